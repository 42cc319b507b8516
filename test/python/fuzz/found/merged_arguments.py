"""Fuzzer: seed 445717, program 2. A function that is called and gives back one of two of its arguments in one place."""
from fuzz_support import CALL, Parameter, fit, nn, ops, weight


class Net(nn.Cell):
    def __init__(self):
        super().__init__()
        self.p = Parameter(weight(1, (3, 4)), name='p')
        self.q = Parameter(weight(2, (4,)), name='q')

    def construct(self, a, b):
        a = a
        b = ops.tanh(ops.floor(((ops.sigmoid(fit(CALL['reduce_prod-(0, 2)-True'](ops, (fit(self.p, (2, 3, 4))) * 2), (4,))) * 2.0 - 1.0)) * 0.4 + 0.5))
        for i1 in range(2, -1, -1):
            b[1:3] = ops.tanh(fit(CALL['reduce_mean-None-False'](ops, (fit(a, (2, 3, 4))) * 2), ()))
        return a, b


net = Net()


def f(a, b, c, n):
    a, b, c = a * 1.0, b * 1.0, c * 1.0
    for i2 in range(2, -1, -1):
        b = (ops.sigmoid(ops.neg((b) * 3)) * 2.0 - 1.0) if not (b.mean() < -0.307) and n > 2 else (ops.sigmoid(ops.ceil((b) * 0.4 + 0.5)) * 2.0 - 1.0)
        for i3 in range(n):
            if b.mean() > 0.171:
                b[0] *= ops.tanh(ops.cosh((c) * 3))
            elif c.mean() > -0.058:
                b = ops.sin(fit(CALL['scatter_add'](ops, (fit(b, (3, 2))) * 2, (fit(b, (4, 2))) * 2), (4,))) if (a.mean() > -0.194) or b.sum() > 0.1 else ops.tanh(ops.ceil((a.mean(0)) * 0.4 + 0.5))
            else:
                c = ops.sum(a) * 0.1 if (b.mean() > -0.008) and True else (c) * (c)
        a, b = net(a, b)
    k4 = 0
    while k4 < 3 and (b.mean() > 0.304):
        k4 = k4 + 1
        for i5 in range(2, -1, -1):
            if b.mean() < 0.270:
                break
            a[::2] = (a.mean(0)) * (b)
    def g6(x):
        x = ops.sin(ops.relu(((x - x) * 0.5) * 1.4 + 1.6))
        return x
    c = g6(c)
    if c.mean() > -0.297:
        return (ops.sigmoid(fit(CALL['reduce_mean-1-False'](ops, ((fit(a, (2, 3, 4))) * (fit(a, (2, 3, 4)))) * 2), ())) * 2.0 - 1.0)
    return (a * weight(3, (3, 4))).sum() + (b * weight(4, (4,))).sum() + c
