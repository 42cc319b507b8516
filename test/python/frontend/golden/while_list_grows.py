from cellgrad import Tensor, jit

X = Tensor([1.0, 2.0, 3.0])


def f(x):
    parts = []
    while x.sum() < 100:
        parts = parts + [x]
        x = x * 2
    return parts[0]


def run():
    jit(f)(X)
