"""Fuzzer: seed 77, program 77. A loop over the rows of a Tensor that it writes."""
from fuzz_support import CALL, Parameter, Tensor, fit, ms, nn, np, ops, weight


class Net(nn.Cell):
    def __init__(self):
        super().__init__()
        self.p = Parameter(weight(1, (3, 4)), name='p')
        self.q = Parameter(weight(2, (4,)), name='q')

    def construct(self, a, b):
        a = (ops.sigmoid(ops.cos(((self.p + self.p) * 0.5) * 3)) * 2.0 - 1.0)
        b = ((b + self.q) * 0.5) * (b)
        for r1 in a:
            b = b * 0.5 + r1 * 0.4
            b = ops.sin(ops.tanh((b) * 3))
        return a, b


net = Net()


def f(a, b, c, n):
    a, b, c = a * 1.0, b * 1.0, c * 1.0
    for r2 in a:
        b = b * 0.5 + r2 * 0.4
        k3 = 0
        while k3 < 3 and (not (a.mean() < -0.354) and True):
            k3 = k3 + 1
            a[::2] = (b) * (b)
            def g4(x):
                x = ops.tanh(fit(CALL['reduce_min-1-False'](ops, (ops.tanh(ops.expm1((fit(x, (2, 3, 4))) * 3))) * 2), (3, 4)))
                return x
            a = g4(a)
        k5 = 0
        while k5 < 3 and (a.mean() < 0.054):
            k5 = k5 + 1
            b = b
            if b.mean() > 0.260:
                break
        if c.mean() < 0.337:
            continue
    c = c
    if not (c.mean() > -0.208) or n > 0:
        b = ops.tanh(fit(CALL['strided_slice'](ops, (ops.tanh(ops.sin((fit(c, (2, 3, 4))) * 3))) * 2), (4,)))
    elif not (a.mean() > 0.170) and True:
        if c.mean() < 0.205:
            k6 = 0
            while k6 < n and (c.mean() > -0.020):
                k6 = k6 + 1
                a = fit(c, (3, 4)) if c.mean() > 0.289 else ops.sin(fit(CALL['softmax'](ops, (fit(c, (2, 3, 4))) * 2), (3, 4)))
        elif b.mean() < -0.386:
            if a.mean() < -0.343:
                c = (ops.sigmoid(fit(CALL['reduce_max-None-False'](ops, (ops.sigmoid(fit(CALL['layer_norm'](ops, (fit(c, (2, 3, 4))) * 2, (b) * 2, (b) * 2), (2, 3, 4))) * 2.0 - 1.0) * 2), ())) * 2.0 - 1.0)
    else:
        a, b = net(a, b)
    return (a * weight(3, (3, 4))).sum() + (b * weight(4, (4,))).sum() + c
