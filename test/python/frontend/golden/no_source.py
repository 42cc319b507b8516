from cellgrad import Tensor, jit

X = Tensor([1.0, 2.0, 3.0])
namespace = {}
exec("def f(x):\n    if x.sum() > 0:\n        return x\n    return -x\n", namespace)


def run():
    jit(namespace["f"])(X)
