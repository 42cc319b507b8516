from cellgrad import Tensor, jit

X = Tensor([1.0, 2.0, 3.0])


def f(x):
    scale = 2.0
    if x.sum() > 0:
        return x * locals()["scale"]
    return x


def run():
    jit(f)(X)
