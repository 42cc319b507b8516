"""Fuzzer: seed 460951, program 4. A Parameter that is written in place, by another name: every call has to start with the same values."""
from fuzz_support import Parameter, Tensor, ms, nn, ops, weight


class Net(nn.Cell):
    def __init__(self):
        super().__init__()
        self.q = Parameter(weight(2, (4,)), name='q')

    def construct(self, a):
        b = self.q
        for i1 in (0, 2):
            b[-1] *= ops.tanh(a.mean() * 2.3 + 1.7)
        return b


net = Net()


def f(a, b, c, n):
    b = net(a) * b
    b[0] = ops.abs(c)
    for i4 in range(n, 0, -1):
        b = ops.sin(b)
    return (a * weight(3, (3, 4))).sum() + (b * weight(4, (4,))).sum() + c
