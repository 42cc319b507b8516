from cellgrad import Tensor, jit

X = Tensor([1.0, 2.0, 3.0])


def total(*parts):
    return sum(parts)


def f(x, n):
    return total(*(x for _ in range(n)))


def run():
    jit(f)(X, Tensor(2))
