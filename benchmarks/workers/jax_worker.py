"""jax.jit. Convolutions run in NHWC, the layout that XLA's CPU backend is quickest in."""

from __future__ import annotations

from types import SimpleNamespace

import cases
import jax
import jax.numpy as jnp
import numpy as np


class System:
    cases = cases.CASES

    def __init__(self, _: str):
        self.version = jax.__version__

    def prepare(self, case: str):
        arrays = [jnp.asarray(a) for a in cases.inputs(case)]
        state = SimpleNamespace(result=None)
        if case in ("mlp", "lenet"):
            step = self.training_step(case, arrays)
        elif case.startswith("matmul"):
            product = jax.jit(jnp.matmul)
            step = lambda: product(*arrays)
        else:
            if case == "tiny":

                @jax.jit
                def fn(x, y, z):
                    value, pull = jax.vjp(lambda y, z: x * jnp.exp(y) * jnp.power(z, 2), y, z)
                    return value, pull(jnp.ones_like(value))
            else:
                fn = jax.jit(
                    jax.value_and_grad(
                        lambda x, y: (jax.nn.sigmoid(x * y) * jnp.exp(-0.5 * x * x) + jnp.tanh(y) * x).sum(), argnums=(0, 1)
                    )
                )
            step = lambda: fn(*arrays)

        def call():
            state.result = jax.block_until_ready(step())

        return call, lambda: self.check(case, state.result)

    def training_step(self, case: str, arrays):
        x, y = arrays
        params = cases.weights(case)
        if case == "lenet":
            x = jnp.transpose(x, (0, 2, 3, 1))
            params = [np.transpose(p, (2, 3, 1, 0)) if p.ndim == 4 else p for p in params]
            # The dense layer after the convolutions reads C, H, W order in the shared weights.
            params[4] = params[4].reshape(120, 16, 5, 5).transpose(0, 2, 3, 1).reshape(120, 400)
        params = [jnp.asarray(p) for p in params]

        def dense(x, w, b):
            return x @ w.T + b

        def conv(x, k, b):
            return jax.lax.conv_general_dilated(x, k, (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC")) + b

        def pool(x):
            return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")

        def logits(p, x):
            if case == "lenet":
                x = pool(jax.nn.relu(conv(x, p[0], p[1])))
                x = pool(jax.nn.relu(conv(x, p[2], p[3]))).reshape(64, 400)
                p = p[4:]
            return dense(jax.nn.relu(dense(jax.nn.relu(dense(x, p[0], p[1])), p[2], p[3])), p[4], p[5])

        def loss_fn(p, x, y):
            return -jnp.take_along_axis(jax.nn.log_softmax(logits(p, x)), y[:, None], axis=1).mean()

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
        if case in ("mlp", "lenet"):
            return [result]
        if case.startswith("matmul"):
            return [np.abs(result).sum()]
        value, (a, b) = result
        return [np.asarray(value).sum(), np.abs(a).sum(), np.abs(b).sum()]
