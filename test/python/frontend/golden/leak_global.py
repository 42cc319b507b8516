from cellgrad import Tensor, jit

X = Tensor([1.0, 2.0, 3.0])
kept = []


def f(x):
    kept.append(x * 2)
    return x


def run():
    jit(f)(X)
    return kept[0] + 1
