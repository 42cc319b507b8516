from cellgrad import Tensor, jit

X = Tensor([1.0, 2.0, 3.0])


def f(x):
    return max([x, x * 2], key=lambda p: p.sum())


def run():
    jit(f)(X)
