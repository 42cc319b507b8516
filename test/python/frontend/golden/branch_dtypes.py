import cellgrad as ms
from cellgrad import Tensor, jit

X = Tensor([1.0, 2.0, 3.0])


def f(x):
    if x.sum() > 0:
        return x
    return x.astype(ms.int32)


def run():
    jit(f)(X)
