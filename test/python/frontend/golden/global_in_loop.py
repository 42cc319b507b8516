from cellgrad import Tensor, jit

X = Tensor([1.0, 2.0, 3.0])
count = 0


def bump():
    global count
    count += 1


def f(x, n):
    for _ in range(n):
        bump()
        x = x * 2
    return x


def run():
    jit(f)(X, Tensor(3))
