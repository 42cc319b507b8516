from cellgrad import Tensor, jit

X = Tensor([1.0, 2.0, 3.0])


def f(x, table):
    return x * table[x.sum()]


def run():
    jit(f)(X, {6.0: 2.0})
