from cellgrad import Tensor, jit

X = Tensor([1.0, 2.0, 3.0])


def f(x):
    if x.sum() > 0:
        scale = x.max()
    return x * scale


def run():
    jit(f)(X)
