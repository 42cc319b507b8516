"""torch: eager, and with torch.compile of the loss function (the backward pass is compiled with it; on a GPU with graphs)."""

from __future__ import annotations

import os
from types import SimpleNamespace

import cases
import torch
import torch.nn.functional as F
from workers import torch_networks


class System:
    cases = [*cases.CASES, *cases.DEVICE_CASES]

    def __init__(self, mode: str):
        self.device = "cpu" if cases.DEVICE == "CPU" else "cuda"
        options = {} if self.device == "cpu" else {"mode": "reduce-overhead"}
        self.wrap = (lambda f: torch.compile(f, **options)) if mode == "compile" else (lambda f: f)
        self.version = torch.__version__
        self.wait = (lambda: None) if self.device == "cpu" else torch.cuda.synchronize
        torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", os.cpu_count() or 1)))
        torch.backends.cudnn.allow_tf32 = False
        torch.backends.cudnn.benchmark = True
        if self.device == "cuda":
            torch.zeros(1, device="cuda")  # fails here where there is none

    def prepare(self, case: str):
        arrays = [torch.from_numpy(a).to(self.device) for a in cases.inputs(case)]
        state = SimpleNamespace(result=None)
        if case in cases.TRAINING:
            step = self.training_step(case, arrays)
        elif case == "copy":
            step = arrays[0].clone
        elif case.startswith("matmul"):
            torch.backends.cuda.matmul.allow_tf32 = case.endswith("tf32")
            product = self.wrap(torch.matmul)
            arrays = [a.bfloat16() for a in arrays] if case.endswith("bf16") else arrays

            def step():
                with torch.no_grad():
                    return product(*arrays)
        else:
            ones = None
            if case == "tiny":
                fn, wrt, ones = self.wrap(lambda x, y, z: x * torch.exp(y) * torch.pow(z, 2)), arrays[1:], torch.ones(2, device=self.device)
            elif case.startswith("chain"):
                fn, wrt = self.wrap(lambda x, y: (torch.sigmoid(x * y) * torch.exp(-0.5 * x * x) + torch.tanh(y) * x).sum()), arrays
            else:
                norm = (lambda x: torch.softmax(x, -1)) if case == "softmax" else torch_networks.layer_norm(cases.COLUMNS, self.device)
                fn, wrt = self.wrap(lambda x, y: (norm(x) * y).sum()), arrays[:1]
            for tensor in wrt:
                tensor.requires_grad_(True)

            def step():
                value = fn(*arrays)
                return value, torch.autograd.grad(value, wrt, ones)

        def call():
            if self.device == "cuda":
                torch.compiler.cudagraph_mark_step_begin()
            state.result = step()

        return call, lambda: self.check(case, state.result)

    def training_step(self, case: str, arrays):
        x, y = arrays[0], arrays[1].long().flatten()
        params = [torch.nn.Parameter(torch.from_numpy(w).to(self.device)) for w in cases.weights(case)]
        net = torch_networks.NETWORKS[case]
        loss_fn = self.wrap(lambda x, y: F.cross_entropy(net(params, x), y))
        optimizer = torch.optim.SGD(params, cases.LEARNING_RATE, cases.MOMENTUM)

        def step():
            optimizer.zero_grad(set_to_none=True)
            loss = loss_fn(x, y)
            loss.backward()
            optimizer.step()
            return loss

        return step

    def check(self, case: str, result):
        if case in cases.TRAINING:
            return [result.item()]
        if case.startswith(("matmul", "copy")):
            return [result.double().abs().sum().item()]
        value, grads = result
        return [value.detach().sum().item(), *(g.double().abs().sum().item() for g in grads)]
