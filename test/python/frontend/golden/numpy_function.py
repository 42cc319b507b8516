import numpy as np

from cellgrad import Tensor, jit

X = Tensor([1.0, 2.0, 3.0])


def f(x):
    return np.maximum(x, 0)


def run():
    jit(f)(X)
