from cellgrad import Tensor, jit

X = Tensor([1.0, 2.0, 3.0])


def f(x):
    return x[x > 1]


def run():
    jit(f)(X)
