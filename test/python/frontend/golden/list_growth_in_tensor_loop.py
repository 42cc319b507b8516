from cellgrad import Tensor, jit, ops

X = Tensor([1.0, 2.0, 3.0])


def f(x, n):
    out = []
    for i in range(n):
        out.append(x * i)
    return ops.stack(out)


def run():
    jit(f)(X, Tensor(3))
