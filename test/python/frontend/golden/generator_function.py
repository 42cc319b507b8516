from cellgrad import Tensor, jit

X = Tensor([1.0, 2.0, 3.0])


def f(x):
    yield x * 2


def run():
    jit(f)(X)
