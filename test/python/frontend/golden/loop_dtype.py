from cellgrad import Tensor, jit

X = Tensor([1.0, 2.0, 3.0])


def f(x):
    total = Tensor(0)
    while total < 10:
        total = total + x.sum()
    return total


def run():
    jit(f)(X)
