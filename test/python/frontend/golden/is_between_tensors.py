from cellgrad import Tensor, jit

X = Tensor([1.0, 2.0, 3.0])


def f(x, y):
    if x.sum() is y.sum():
        return x
    return y


def run():
    jit(f)(X, X)
