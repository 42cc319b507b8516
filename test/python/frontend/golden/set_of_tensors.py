from cellgrad import Tensor, jit

X = Tensor([1.0, 2.0, 3.0])


def f(x):
    return sum({x[0], x[1]})


def run():
    jit(f)(X)
