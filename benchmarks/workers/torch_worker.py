"""torch: eager, and with torch.compile of the loss function (the backward pass is compiled with it)."""

from __future__ import annotations

import os
from types import SimpleNamespace

import cases
import numpy as np
import torch
import torch.nn.functional as F


class System:
    cases = cases.CASES

    def __init__(self, mode: str):
        self.wrap = torch.compile if mode == "compile" else (lambda f: f)
        self.version = torch.__version__
        torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", os.cpu_count() or 1)))

    def prepare(self, case: str):
        arrays = [torch.from_numpy(a) for a in cases.inputs(case)]
        state = SimpleNamespace(result=None)
        if case in ("mlp", "lenet"):
            step = self.training_step(case, arrays)
        elif case.startswith("matmul"):
            product = self.wrap(torch.matmul)

            def step():
                with torch.no_grad():
                    return product(*arrays)
        else:
            if case == "tiny":
                fn, wrt = self.wrap(lambda x, y, z: x * torch.exp(y) * torch.pow(z, 2)), arrays[1:]
                ones = torch.ones(2)
            else:
                fn, wrt = self.wrap(lambda x, y: (torch.sigmoid(x * y) * torch.exp(-0.5 * x * x) + torch.tanh(y) * x).sum()), arrays
                ones = None
            for tensor in wrt:
                tensor.requires_grad_(True)

            def step():
                value = fn(*arrays)
                return value, torch.autograd.grad(value, wrt, ones)

        def call():
            state.result = step()

        return call, lambda: self.check(case, state.result)

    def training_step(self, case: str, arrays):
        x, y = arrays[0], arrays[1].long()
        params = [torch.nn.Parameter(torch.from_numpy(w)) for w in cases.weights(case)]

        def mlp(x):
            w1, b1, w2, b2, w3, b3 = params
            return F.linear(F.relu(F.linear(F.relu(F.linear(x, w1, b1)), w2, b2)), w3, b3)

        def lenet(x):
            k1, c1, k2, c2, w1, b1, w2, b2, w3, b3 = params
            x = F.max_pool2d(F.relu(F.conv2d(x, k1, c1)), 2)
            x = F.max_pool2d(F.relu(F.conv2d(x, k2, c2)), 2)
            return F.linear(F.relu(F.linear(F.relu(F.linear(x.flatten(1), w1, b1)), w2, b2)), w3, b3)

        net = mlp if case == "mlp" else lenet
        loss_fn = self.wrap(lambda x, y: F.cross_entropy(net(x), y))
        optimizer = torch.optim.SGD(params, cases.LEARNING_RATE, cases.MOMENTUM)

        def step():
            optimizer.zero_grad(set_to_none=True)
            loss = loss_fn(x, y)
            loss.backward()
            optimizer.step()
            return loss

        return step

    def check(self, case: str, result):
        if case in ("mlp", "lenet"):
            return [result.item()]
        if case.startswith("matmul"):
            return [np.abs(result.numpy()).sum()]
        value, (a, b) = result
        return [value.detach().numpy().sum(), np.abs(a.numpy()).sum(), np.abs(b.numpy()).sum()]
