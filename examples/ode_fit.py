"""Fits the rates of predators and prey to observations, through a differential equation solver with a step size of its own.

The solver is an ordinary `while` loop on Tensors (Heun's method with step size control): how many steps it takes is known at run time only. The
derivative of the whole solution by the rates goes backwards through the steps that were taken.
"""
import time

import numpy as np

import cellgrad as ms
from cellgrad import Parameter, Tensor, nn, ops

TIMES = np.linspace(0.5, 6.0, 12)
TRUE_RATES = np.array([1.1, 0.4, 0.1, 0.4])


class Population(nn.Cell):
    """Lotka and Volterra: prey grow at a rate and are eaten at a rate, predators grow by that and die at a rate."""

    def __init__(self, rates):
        super().__init__()
        self.rates = Parameter(Tensor(rates), name="rates")

    def slope(self, y):
        prey, predators = y[0], y[1]
        eaten = prey * predators
        return ops.stack([self.rates[0] * prey - self.rates[1] * eaten, self.rates[2] * eaten - self.rates[3] * predators])

    def advance(self, y, span, tolerance=1e-5):
        """The state after ``span``, and the number of steps that it took."""
        t, h, steps = 0.0 * span, 0.25 * span, 0
        while t < span:
            h = ops.minimum(h, span - t)
            first = self.slope(y)
            second = self.slope(y + h * first)
            error = ops.abs(0.5 * h * (second - first)).max()
            if error < tolerance:
                t, y = t + h, y + 0.5 * h * (first + second)
            h = h * ops.clamp(0.9 * ops.sqrt(tolerance / (error + 1e-12)), 0.2, 3.0)
            steps = steps + 1
            if steps > 10_000:
                break
        return y, steps

    def construct(self, start, times):
        y, t, total = start, 0.0 * times[0], 0
        path = ops.zeros((times.shape[0], 2), ms.float64)
        for i in range(times.shape[0]):
            y, steps = self.advance(y, times[i] - t)
            path[i] = y
            t, total = times[i], total + steps
        return path, total


def main():
    start, times = Tensor(np.array([8.0, 3.0])), Tensor(TIMES)
    observed, steps = Population(TRUE_RATES)(start, times)
    print(f"{TIMES.size} observations; the solver took {int(steps)} steps")

    net = Population(np.array([0.9, 0.3, 0.15, 0.5]))

    def loss(start, times):
        path, _ = net(start, times)
        return ((path - observed) ** 2).mean()

    step = ms.value_and_grad(loss, None, net.trainable_params())
    optimizer = nn.Adam(net.trainable_params(), learning_rate=0.02)
    begin = time.perf_counter()
    for epoch in range(1001):
        value, gradients = step(start, times)
        optimizer(gradients)
        if epoch % 200 == 0:
            print(f"step {epoch:4d}  loss {float(value):10.6f}  rates {np.round(net.rates.asnumpy(), 4)}  after {time.perf_counter() - begin:.2f} s")
    wrong = np.abs(net.rates.asnumpy() - TRUE_RATES).max()
    print(f"largest error of a rate: {wrong:.4f}")
    assert wrong < 0.02


if __name__ == "__main__":
    main()
