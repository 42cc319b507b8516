from cellgrad import Tensor, jit

X = Tensor([1.0, 2.0, 3.0])


def f(x):
    print(f"sum {x.sum():.2f}")
    return x


def run():
    jit(f)(X)
