from cellgrad import Tensor, jit

X = Tensor([1.0, 2.0, 3.0])


def rows(x):
    for i in range(3):
        if x[i] > 1:
            yield x[i]


def f(x):
    return sum(rows(x))


def run():
    jit(f)(X)
