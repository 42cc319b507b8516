"""The networks as functions of (weights, inputs) in torch; weights in the order of cases.weights."""

from __future__ import annotations

import cases
import torch
import torch.nn.functional as F


def layer_norm(width, device):
    scale, shift = torch.ones(width, device=device), torch.zeros(width, device=device)
    return lambda x: F.layer_norm(x, (width,), scale, shift, 1e-5)


def mlp(params, x):
    w1, b1, w2, b2, w3, b3 = params
    return F.linear(F.relu(F.linear(F.relu(F.linear(x, w1, b1)), w2, b2)), w3, b3)


def small_step(params, x):
    w1, b1, w2, b2 = params
    return F.linear(F.relu(F.linear(x, w1, b1)), w2, b2)


def lenet(params, x):
    k1, c1, k2, c2, w1, b1, w2, b2, w3, b3 = params
    x = F.max_pool2d(F.relu(F.conv2d(x, k1, c1)), 2)
    x = F.max_pool2d(F.relu(F.conv2d(x, k2, c2)), 2)
    return F.linear(F.relu(F.linear(F.relu(F.linear(x.flatten(1), w1, b1)), w2, b2)), w3, b3)


def resnet(params, x):
    given = iter(params)

    def convolution(x, stride=1):
        kernel, scale, shift = next(given), next(given), next(given)
        y = F.conv2d(x, kernel, None, stride, kernel.shape[-1] // 2)
        return F.batch_norm(y, None, None, scale, shift, True, 0.1, 1e-5)

    x, width = F.relu(convolution(x)), 16
    for out in (16, 32, 64):
        for _ in range(3):
            stride = 1 if out == width else 2
            y = convolution(F.relu(convolution(x, stride)))
            x = F.relu(y + (convolution(x, stride) if stride == 2 else x))
            width = out
    return F.linear(x.mean((2, 3)), next(given), next(given))


def gpt(params, x):
    sizes, given = cases.GPT, iter(params)

    def heads(y):
        return y.reshape(sizes.batch, sizes.length, sizes.heads, -1).transpose(1, 2)

    def norm(y):
        return F.layer_norm(y, (sizes.width,), next(given), next(given), 1e-5)

    def dense(y):
        return F.linear(y, next(given), next(given))

    x = F.embedding(x, next(given)) + next(given)
    for _ in range(sizes.layers):
        y = norm(x)
        q, k, v = heads(dense(y)), heads(dense(y)), heads(dense(y))
        a = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + dense(a.transpose(1, 2).reshape(x.shape))
        x = x + dense(F.gelu(dense(norm(x))))
    return F.linear(norm(x), next(given)).reshape(-1, sizes.words)


NETWORKS = {"mlp": mlp, "small_step": small_step, "lenet": lenet, "resnet": resnet, "gpt": gpt}
