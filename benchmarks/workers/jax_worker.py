"""jax.jit. Convolutions run in NHWC, the layout that XLA is quickest in."""

from __future__ import annotations

from types import SimpleNamespace

import cases
import jax
import jax.numpy as jnp
import numpy as np
from workers import jax_networks

jax.config.update("jax_default_matmul_precision", "highest")  # float32 means float32 on a GPU too


class System:
    cases = [*cases.CASES, *cases.DEVICE_CASES]

    def __init__(self, _: str):
        self.version = jax.__version__
        self.result = None
        if cases.DEVICE != "CPU":
            jax.devices("cuda")  # fails here where there is none

    def wait(self):
        jax.block_until_ready(self.result)

    def prepare(self, case: str):
        arrays = [jnp.asarray(a) for a in cases.inputs(case)]
        state = SimpleNamespace(result=None)
        if case in cases.TRAINING:
            step = self.training_step(case, arrays)
        elif case == "copy":
            step = lambda: jnp.array(arrays[0], copy=True)
        elif case.startswith("matmul"):
            arrays = [a.astype(jnp.bfloat16) for a in arrays] if case.endswith("bf16") else arrays
            precision = jax.lax.DotAlgorithmPreset.TF32_TF32_F32 if case.endswith("tf32") else None
            product = jax.jit(lambda a, b: jnp.matmul(a, b, precision=precision))
            step = lambda: product(*arrays)
        else:
            if case == "tiny":

                @jax.jit
                def fn(x, y, z):
                    value, pull = jax.vjp(lambda y, z: x * jnp.exp(y) * jnp.power(z, 2), y, z)
                    return value, pull(jnp.ones_like(value))
            elif case.startswith("chain"):
                fn = jax.jit(
                    jax.value_and_grad(
                        lambda x, y: (jax.nn.sigmoid(x * y) * jnp.exp(-0.5 * x * x) + jnp.tanh(y) * x).sum(), argnums=(0, 1)
                    )
                )
            else:
                norm = jax.nn.softmax if case == "softmax" else lambda x: jax_networks.layer_norm(x, 1.0, 0.0)
                fn = jax.jit(jax.value_and_grad(lambda x, y: (norm(x) * y).sum(), argnums=(0,)))
            step = lambda: fn(*arrays)

        def call():
            self.result = state.result = step()
            if cases.DEVICE == "CPU":
                self.wait()

        return call, lambda: self.check(case, state.result)

    def training_step(self, case: str, arrays):
        x, y = arrays[0], arrays[1].reshape(-1)
        x = jnp.transpose(x, (0, 2, 3, 1)) if x.ndim == 4 else x
        params = [jnp.asarray(p) for p in jax_networks.layout(case, cases.weights(case))]
        net = jax_networks.NETWORKS[case]

        def loss_fn(p, x, y):
            return -jnp.take_along_axis(jax.nn.log_softmax(net(p, x)), y[:, None], axis=1).mean()

        def update(p, m, x, y):
            loss, grads = jax.value_and_grad(loss_fn)(p, x, y)
            m = [cases.MOMENTUM * a + g for a, g in zip(m, grads)]
            return loss, [a - cases.LEARNING_RATE * b for a, b in zip(p, m)], m

        compiled = jax.jit(update, donate_argnums=(0, 1))
        state = SimpleNamespace(p=params, m=[jnp.zeros_like(p) for p in params])

        def step():
            loss, state.p, state.m = compiled(state.p, state.m, x, y)
            return loss

        return step

    def check(self, case: str, result):
        if case in cases.TRAINING:
            return [result]
        if case.startswith(("matmul", "copy")):
            return [np.abs(np.asarray(result, np.float32)).sum(dtype=np.float64)]
        value, grads = result
        return [np.asarray(value).sum(), *(np.abs(np.asarray(g)).sum(dtype=np.float64) for g in grads)]
