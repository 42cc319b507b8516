"""cellgrad and MindSpore: the same source for both, only the imported module differs."""

from __future__ import annotations

import importlib
import os
from types import SimpleNamespace

import cases
import numpy as np


def networks(ms):
    nn = ms.nn

    class Mlp(nn.Cell):
        def __init__(self):
            super().__init__()
            self.fc1, self.fc2, self.fc3 = nn.Dense(784, 512), nn.Dense(512, 512), nn.Dense(512, 10)
            self.relu = nn.ReLU()

        def construct(self, x):
            return self.fc3(self.relu(self.fc2(self.relu(self.fc1(x)))))

    class LeNet(nn.Cell):
        def __init__(self):
            super().__init__()
            self.conv1 = nn.Conv2d(1, 6, 5, pad_mode="valid", has_bias=True)
            self.conv2 = nn.Conv2d(6, 16, 5, pad_mode="valid", has_bias=True)
            self.fc1, self.fc2, self.fc3 = nn.Dense(400, 120), nn.Dense(120, 84), nn.Dense(84, 10)
            self.relu, self.pool, self.flatten = nn.ReLU(), nn.MaxPool2d(2, 2), nn.Flatten()

        def construct(self, x):
            x = self.pool(self.relu(self.conv1(x)))
            x = self.pool(self.relu(self.conv2(x)))
            x = self.flatten(x)
            return self.fc3(self.relu(self.fc2(self.relu(self.fc1(x)))))

    return {"mlp": Mlp, "lenet": LeNet}


class System:
    cases = cases.CASES

    def __init__(self, module: str):
        if module == "mindspore":
            os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "AVX2")
        ms = importlib.import_module(module)
        importlib.import_module(module + ".nn")
        importlib.import_module(module + ".ops")
        self.ms, self.version = ms, ms.__version__
        if module == "mindspore":
            ms.set_context(mode=ms.GRAPH_MODE)

    def prepare(self, case: str):
        ms = self.ms
        ops, state = ms.ops, SimpleNamespace(result=None)
        arrays = [ms.Tensor(a) for a in cases.inputs(case)]
        if case == "tiny":

            def fn(x, y, z):
                return x * ops.exp(y) * ops.pow(z, 2)

            step = ms.jit(ms.value_and_grad(fn, grad_position=(1, 2)))
        elif case.startswith("chain"):

            def chain(x, y):
                return (ops.sigmoid(x * y) * ops.exp(-0.5 * x * x) + ops.tanh(y) * x).sum()

            step = ms.jit(ms.value_and_grad(chain, grad_position=(0, 1)))
        elif case.startswith("matmul"):

            def product(a, b):
                return ops.matmul(a, b)

            step = ms.jit(product)
        else:
            step = self.training_step(case)

        def call():
            result = step(*arrays)
            state.result = result
            if ms.__name__ == "mindspore":  # its calls may return before they have computed
                (result if isinstance(result, ms.Tensor) else result[0]).asnumpy()

        return call, lambda: self.check(case, state.result)

    def training_step(self, case: str):
        ms = self.ms
        net = networks(ms)[case]()
        for parameter, value in zip(net.trainable_params(), cases.weights(case)):
            parameter.set_data(ms.Tensor(value))
        loss_fn = ms.nn.CrossEntropyLoss()
        optimizer = ms.nn.Momentum(net.trainable_params(), cases.LEARNING_RATE, cases.MOMENTUM)

        def forward(x, y):
            return loss_fn(net(x), y)

        grad_fn = ms.value_and_grad(forward, None, optimizer.parameters)

        @ms.jit
        def step(x, y):
            loss, grads = grad_fn(x, y)
            optimizer(grads)
            return loss

        return step

    def check(self, case: str, result):
        if case in ("mlp", "lenet"):
            return [result.asnumpy()]
        if case.startswith("matmul"):
            return [np.abs(result.asnumpy()).sum()]
        value, (a, b) = result
        return [value.asnumpy().sum(), np.abs(a.asnumpy()).sum(), np.abs(b.asnumpy()).sum()]
