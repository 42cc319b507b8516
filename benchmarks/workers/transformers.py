"""A transformer of equal layers in cellgrad, PyTorch and JAX: pre-norm attention and a gelu MLP, the mean square of the output as loss."""

from __future__ import annotations

import importlib
from collections.abc import Callable

import numpy as np

WIDTH, HEADS, BATCH, LENGTH = 64, 4, 2, 16
NAMES = ("q", "k", "v", "o", "up", "down")


def shapes() -> dict[str, tuple[int, ...]]:
    dense = {"q": (WIDTH, WIDTH), "k": (WIDTH, WIDTH), "v": (WIDTH, WIDTH), "o": (WIDTH, WIDTH), "up": (4 * WIDTH, WIDTH), "down": (WIDTH, 4 * WIDTH)}
    return {"g1": (WIDTH,), "b1": (WIDTH,), "g2": (WIDTH,), "b2": (WIDTH,), **{n: s for n, s in dense.items()}, **{n + "_b": s[:1] for n, s in dense.items()}}


def weights(layers: int) -> list[dict[str, np.ndarray]]:
    rng = np.random.default_rng(5)

    def draw(name: str, shape: tuple[int, ...]) -> np.ndarray:
        if name in ("g1", "g2"):
            return np.ones(shape, np.float32)
        return (rng.standard_normal(shape) * (0.05 if len(shape) > 1 else 0.01)).astype(np.float32)

    return [{n: draw(n, s) for n, s in shapes().items()} for _ in range(layers)]


def example() -> np.ndarray:
    return np.random.default_rng(3).standard_normal((BATCH, LENGTH, WIDTH)).astype(np.float32)


def cellgrad_net(layers: int):
    """The network as Cells, for whatever wants more of it than a step."""
    ms = importlib.import_module("cellgrad")
    nn, ops = ms.nn, ms.ops

    class Block(nn.Cell):
        def __init__(self, values: dict[str, np.ndarray]):
            super().__init__()
            self.n1, self.n2 = nn.LayerNorm((WIDTH,)), nn.LayerNorm((WIDTH,))
            for name in NAMES:
                setattr(self, name, nn.Dense(values[name].shape[1], values[name].shape[0]))
            pairs = [(self.n1.gamma, "g1"), (self.n1.beta, "b1"), (self.n2.gamma, "g2"), (self.n2.beta, "b2")]
            pairs += [(getattr(self, n).weight, n) for n in NAMES] + [(getattr(self, n).bias, n + "_b") for n in NAMES]
            for parameter, name in pairs:
                parameter.set_data(ms.Tensor(values[name]))

        def heads(self, x):
            b, t, d = x.shape
            return x.reshape(b, t, HEADS, d // HEADS).transpose(0, 2, 1, 3)

        def construct(self, x):
            y = self.n1(x)
            q, k, v = self.heads(self.q(y)), self.heads(self.k(y)), self.heads(self.v(y))
            a = ops.softmax(ops.matmul(q, k.transpose(0, 1, 3, 2)) * (WIDTH // HEADS) ** -0.5, -1)
            x = x + self.o(ops.matmul(a, v).transpose(0, 2, 1, 3).reshape(x.shape))
            return x + self.down(ops.gelu(self.up(self.n2(x))))

    class Net(nn.Cell):
        def __init__(self):
            super().__init__()
            self.layers = nn.CellList([Block(w) for w in weights(layers)])

        def construct(self, x):
            for layer in self.layers:
                x = layer(x)
            return (x * x).mean()

    return Net()


def cellgrad(layers: int) -> Callable[[], float]:
    ms = importlib.import_module("cellgrad")
    net, x = cellgrad_net(layers), ms.Tensor(example())
    step = ms.value_and_grad(net, None, net.trainable_params())
    return lambda: float(step(x)[0])


def jax(layers: int) -> Callable[[], float]:
    jax = importlib.import_module("jax")
    jnp = jax.numpy

    def norm(x, g, b):
        m = x.mean(-1, keepdims=True)
        return (x - m) * jax.lax.rsqrt(((x - m) ** 2).mean(-1, keepdims=True) + 1e-7) * g + b

    def block(p, x):
        def dense(name, y):
            return y @ p[name].T + p[name + "_b"]

        def heads(y):
            return y.reshape(BATCH, LENGTH, HEADS, -1).transpose(0, 2, 1, 3)

        y = norm(x, p["g1"], p["b1"])
        q, k, v = (heads(dense(n, y)) for n in "qkv")
        a = jax.nn.softmax(q @ k.swapaxes(-1, -2) * (WIDTH // HEADS) ** -0.5)
        x = x + dense("o", (a @ v).transpose(0, 2, 1, 3).reshape(x.shape))
        return x + dense("down", jax.nn.gelu(dense("up", norm(x, p["g2"], p["b2"])), approximate=False))

    def loss(params, x):
        for p in params:
            x = block(p, x)
        return (x * x).mean()

    params, x = jax.tree.map(jnp.asarray, weights(layers)), jnp.asarray(example())
    step = jax.jit(jax.value_and_grad(loss))
    return lambda: float(jax.block_until_ready(step(params, x))[0])


def torch(layers: int) -> Callable[[], float]:
    torch = importlib.import_module("torch")
    functional = torch.nn.functional
    params = [{n: torch.tensor(v, requires_grad=True) for n, v in w.items()} for w in weights(layers)]
    x = torch.tensor(example())

    def block(p, x):
        def heads(y):
            return y.reshape(BATCH, LENGTH, HEADS, -1).transpose(1, 2)

        y = functional.layer_norm(x, (WIDTH,), p["g1"], p["b1"], 1e-7)
        q, k, v = (heads(functional.linear(y, p[n], p[n + "_b"])) for n in "qkv")
        a = torch.softmax(q @ k.transpose(-1, -2) * (WIDTH // HEADS) ** -0.5, -1)
        x = x + functional.linear((a @ v).transpose(1, 2).reshape(x.shape), p["o"], p["o_b"])
        y = functional.layer_norm(x, (WIDTH,), p["g2"], p["b2"], 1e-7)
        return x + functional.linear(functional.gelu(functional.linear(y, p["up"], p["up_b"])), p["down"], p["down_b"])

    @torch.compile
    def loss(x):
        for p in params:
            x = block(p, x)
        return (x * x).mean()

    leaves = [v for p in params for v in p.values()]

    def step() -> float:
        value = loss(x)
        torch.autograd.grad(value, leaves)
        return float(value.detach())

    return step


SYSTEMS = {"cellgrad": cellgrad, "jax": jax, "torch.compile": torch}
