import cellgrad as ms
from cellgrad import Tensor, jit, ops

X = Tensor([1.0, 2.0, 3.0])


def f(x, n):
    return ops.zeros((n, 3), ms.float32) + x


def run():
    jit(f)(X, Tensor(2))
