"""Fuzzer: seed 446801, program 11. A branch whose result could be made in a part of a larger buffer."""
from fuzz_support import CALL, Parameter, Tensor, fit, ms, nn, np, ops, weight


class Net(nn.Cell):
    def __init__(self):
        super().__init__()
        self.p = Parameter(weight(1, (3, 4)), name='p')
        self.q = Parameter(weight(2, (4,)), name='q')

    def construct(self, a, b):
        a = (ops.sin(ops.div((a) * 1.25 + 1.75, (self.p) * 1.25 + 1.75))) * ((self.p) * (self.p))
        b = ((b + b) * 0.5 - b) * 0.5
        a[0] = a[0] * 0.5 + (ops.sigmoid(fit(CALL['reduce_sum--1-True'](ops, (fit(a, (2, 3, 4))) * 2), (4,))) * 2.0 - 1.0) * 0.5
        return a, b


net = Net()


def f(a, b, c, n):
    a, b, c = a * 1.0, b * 1.0, c * 1.0
    def g1(x):
        x = ops.tanh(fit(CALL['softmax'](ops, ((fit(b, (2, 3, 4))) * (fit(a, (2, 3, 4)))) * 2), (4,)))
        if x.mean() > -0.345:
            return ops.tanh(fit(CALL['reduce_min-None-False'](ops, (fit(a, (2, 3, 4))) * 2), (4,)))
        return x
    b = g1(b)
    c = ops.sin(ops.sign((ops.sin(fit(CALL['reduce_min-(0, 2)-True'](ops, (fit(b, (2, 3, 4))) * 2), ()))) * 1.4 + 1.6))
    c = ((ops.sigmoid(ops.asin((c) * 0.8)) * 2.0 - 1.0) + ops.sin(fit(CALL['layer_norm'](ops, (fit(a, (2, 3, 4))) * 2, (b) * 2, (b) * 2), ()))) * 0.5
    if c.mean() < 0.148:
        return (ops.sigmoid(ops.relu(((a.mean()) * (c)) * 1.4 + 1.6)) * 2.0 - 1.0)
    a = ops.tanh(fit(CALL['softmax'](ops, ((fit(c, (2, 3, 4)) - fit(b, (2, 3, 4))) * 0.5) * 2), (3, 4)))
    return (a * weight(3, (3, 4))).sum() + (b * weight(4, (4,))).sum() + c
