from cellgrad import Tensor, jit

X = Tensor([1.0, 2.0, 3.0])


def f(x):
    return sorted([x[2], x[0], x[1]])[0]


def run():
    jit(f)(X)
