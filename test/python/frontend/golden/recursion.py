from cellgrad import Tensor, jit


def factorial(n):
    if n <= 1:
        return n
    return n * factorial(n - 1)


def run():
    jit(factorial)(Tensor(5.0))
