from cellgrad import Tensor, jit

X = Tensor([1.0, 2.0, 3.0])


def f(x, n):
    return x[:n]


def run():
    jit(f)(X, Tensor(2))
