from cellgrad import Tensor, jit

X = Tensor([1.0, 2.0, 3.0])


def f(x, n):
    for i in range(n):
        last = x * i
    return last


def run():
    jit(f)(X, Tensor(3))
