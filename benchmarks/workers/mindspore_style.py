"""cellgrad and MindSpore: the same source for both, only the imported module differs."""

from __future__ import annotations

import importlib
import os
from types import SimpleNamespace

import cases
import numpy as np
from workers.mindspore_networks import networks


class System:
    def __init__(self, module: str):
        if module == "mindspore":
            os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "AVX2")
        ms = importlib.import_module(module)
        importlib.import_module(module + ".nn")
        importlib.import_module(module + ".ops")
        self.ms, self.version, self.card = ms, ms.__version__, None
        if module == "mindspore":
            ms.set_context(mode=ms.GRAPH_MODE)
        self.cases = cases.CASES if module == "mindspore" else [*cases.CASES, *cases.DEVICE_CASES]
        if cases.DEVICE != "CPU":
            ms.set_context(device_target=cases.DEVICE)
            info = ms.runtime.device_info()
            self.card = f"{info['name']} ({info['chip']}, {info['memory_bytes'] / 2**30:.0f} GiB, driver {info['driver_version']})"
            self.wait = ms.runtime.synchronize

    def wait(self):
        pass

    def step_of(self, case: str):
        """The compiled function of the case and its arguments."""
        ms = self.ms
        ops = ms.ops
        arrays = [ms.Tensor(a) for a in cases.inputs(case)]
        if cases.DEVICE != "CPU":  # as the peers' arrays; a copy of a Tensor on the host would stay there
            arrays = [a.to(cases.DEVICE) for a in arrays]
            ms.set_context(gpu_config={"matmul_allow_tf32": case.endswith("tf32")})  # in its own case alone
        if case == "tiny":

            def fn(x, y, z):
                return x * ops.exp(y) * ops.pow(z, 2)

            return ms.jit(ms.value_and_grad(fn, grad_position=(1, 2))), arrays
        if case.startswith("chain"):

            def chain(x, y):
                return (ops.sigmoid(x * y) * ops.exp(-0.5 * x * x) + ops.tanh(y) * x).sum()

            return ms.jit(ms.value_and_grad(chain, grad_position=(0, 1))), arrays
        if case in ("softmax", "layer_norm"):
            norm = (lambda x: ops.softmax(x, -1)) if case == "softmax" else ms.nn.LayerNorm((cases.COLUMNS,), epsilon=1e-5)
            return ms.jit(ms.value_and_grad(lambda x, y: (norm(x) * y).sum())), arrays
        if case == "copy":
            return arrays[0].copy, []
        return self.product(case, arrays) if case.startswith("matmul") else (self.training_step(case), arrays)

    def prepare(self, case: str):
        ms, state = self.ms, SimpleNamespace(result=None)
        step, arrays = self.step_of(case)

        def call():
            result = step(*arrays)
            state.result = result
            if ms.__name__ == "mindspore":  # its calls may return before they have computed
                (result if isinstance(result, ms.Tensor) else result[0]).asnumpy()

        return call, lambda: self.check(case, state.result)

    def product(self, case: str, arrays):
        ms = self.ms
        if case.endswith("bf16"):
            arrays = [a.astype(ms.bfloat16) for a in arrays]

        def product(a, b):
            return ms.ops.matmul(a, b)

        return ms.jit(product), arrays

    def training_step(self, case: str):
        ms = self.ms
        net = networks(ms)[case]()
        given = cases.weights(case)
        assert [p.shape for p in net.trainable_params()] == [w.shape for w in given]
        for parameter, value in zip(net.trainable_params(), given):
            parameter.set_data(ms.Tensor(value))
        loss_fn = ms.nn.CrossEntropyLoss()
        optimizer = ms.nn.Momentum(net.trainable_params(), cases.LEARNING_RATE, cases.MOMENTUM)

        def forward(x, y):
            return loss_fn(net(x), y.reshape(-1))

        grad_fn = ms.value_and_grad(forward, None, optimizer.parameters)

        @ms.jit
        def step(x, y):
            loss, grads = grad_fn(x, y)
            optimizer(grads)
            return loss

        return step

    def check(self, case: str, result):
        if case in cases.TRAINING:
            return [result.asnumpy()]
        if case.startswith(("matmul", "copy")):
            return [np.abs(result.float().asnumpy()).sum(dtype=np.float64)]
        value, grads = result
        return [value.asnumpy().sum(), *(np.abs(g.asnumpy()).sum(dtype=np.float64) for g in (grads if isinstance(grads, tuple) else (grads,)))]
