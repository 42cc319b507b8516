import io

import numpy as np

from cellgrad import Tensor, jit

X = Tensor([1.0, 2.0, 3.0])


def f(x):
    np.savetxt(io.StringIO(), x)
    return x


def run():
    jit(f)(X)
