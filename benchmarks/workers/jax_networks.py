"""The networks as functions of (weights, inputs) in JAX; weights in the order of cases.weights, images and kernels in JAX's layouts."""

from __future__ import annotations

import cases
import jax
import jax.numpy as jnp
import numpy as np


def layout(case, params):
    """Kernels from OIHW to HWIO; the dense layer after LeNet's convolutions reads C, H, W order in the shared weights."""
    params = [np.transpose(p, (2, 3, 1, 0)) if p.ndim == 4 else p for p in params]
    if case == "lenet":
        params[4] = params[4].reshape(120, 16, 5, 5).transpose(0, 2, 3, 1).reshape(120, 400)
    return params


def dense(x, w, b=0.0):
    return x @ w.T + b


def conv(x, k, padding="VALID", stride=1):
    return jax.lax.conv_general_dilated(x, k, (stride, stride), padding, dimension_numbers=("NHWC", "HWIO", "NHWC"))


def layer_norm(x, scale, shift):
    mean = x.mean(-1, keepdims=True)
    return (x - mean) * jax.lax.rsqrt(((x - mean) ** 2).mean(-1, keepdims=True) + 1e-5) * scale + shift


def mlp(p, x):
    return dense(jax.nn.relu(dense(jax.nn.relu(dense(x, p[0], p[1])), p[2], p[3])), p[4], p[5])


def small_step(p, x):
    return dense(jax.nn.relu(dense(x, p[0], p[1])), p[2], p[3])


def lenet(p, x):
    def pool(x):
        return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")

    x = pool(jax.nn.relu(conv(x, p[0]) + p[1]))
    x = pool(jax.nn.relu(conv(x, p[2]) + p[3])).reshape(64, 400)
    return mlp(p[4:], x)


def resnet(params, x):
    given = iter(params)

    def convolution(x, stride=1):
        kernel, scale, shift = next(given), next(given), next(given)
        around = (kernel.shape[0] // 2,) * 2
        y = conv(x, kernel, (around, around), stride)
        mean = y.mean((0, 1, 2))
        return (y - mean) * jax.lax.rsqrt(((y - mean) ** 2).mean((0, 1, 2)) + 1e-5) * scale + shift

    x, width = jax.nn.relu(convolution(x)), 16
    for out in (16, 32, 64):
        for _ in range(3):
            stride = 1 if out == width else 2
            y = convolution(jax.nn.relu(convolution(x, stride)))
            x = jax.nn.relu(y + (convolution(x, stride) if stride == 2 else x))
            width = out
    return dense(x.mean((1, 2)), next(given), next(given))


def gpt(params, x):
    sizes, given = cases.GPT, iter(params)

    def heads(y):
        return y.reshape(sizes.batch, sizes.length, sizes.heads, -1).transpose(0, 2, 1, 3)

    def norm(y):
        return layer_norm(y, next(given), next(given))

    def linear(y):
        return dense(y, next(given), next(given))

    place = jnp.arange(sizes.length)
    mask = jnp.where(place[:, None] >= place, 0.0, -1e9)
    x = next(given)[x] + next(given)
    for _ in range(sizes.layers):
        y = norm(x)
        q, k, v = heads(linear(y)), heads(linear(y)), heads(linear(y))
        a = jax.nn.softmax(q @ k.swapaxes(-1, -2) * (sizes.width // sizes.heads) ** -0.5 + mask) @ v
        x = x + linear(a.transpose(0, 2, 1, 3).reshape(x.shape))
        x = x + linear(jax.nn.gelu(linear(norm(x)), approximate=False))
    return dense(norm(x), next(given)).reshape(-1, sizes.words)


NETWORKS = {"mlp": mlp, "small_step": small_step, "lenet": lenet, "resnet": resnet, "gpt": gpt}
