from cellgrad import Tensor, jit

X = Tensor([1.0, 2.0, 3.0])


def f(x):
    positive = bool(x.sum() > 0)
    return x if positive else -x


def run():
    jit(f)(X)
