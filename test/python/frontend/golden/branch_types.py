from cellgrad import Tensor, jit

X = Tensor([1.0, 2.0, 3.0])


def f(x):
    if x.sum() > 0:
        y = x
    else:
        y = None
    return y


def run():
    jit(f)(X)
