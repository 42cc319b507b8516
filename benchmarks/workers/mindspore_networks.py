"""The networks as Cells, for cellgrad and MindSpore."""

from __future__ import annotations

import cases


def networks(ms):
    nn, ops = ms.nn, ms.ops

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

    def convolution(width, out, kernel, stride):
        return nn.Conv2d(width, out, kernel, stride, pad_mode="pad", padding=kernel // 2)

    class Residual(nn.Cell):
        def __init__(self, width, out):
            super().__init__()
            stride = 1 if width == out else 2
            self.conv1, self.norm1 = convolution(width, out, 3, stride), nn.BatchNorm2d(out)
            self.conv2, self.norm2 = convolution(out, out, 3, 1), nn.BatchNorm2d(out)
            self.changes = width != out
            if self.changes:
                self.conv3, self.norm3 = convolution(width, out, 1, stride), nn.BatchNorm2d(out)

        def construct(self, x):
            y = self.norm2(self.conv2(ops.relu(self.norm1(self.conv1(x)))))
            return ops.relu(y + (self.norm3(self.conv3(x)) if self.changes else x))

    class ResNet(nn.Cell):
        def __init__(self):
            super().__init__()
            self.conv, self.norm = convolution(3, 16, 3, 1), nn.BatchNorm2d(16)
            widths = [16, 16, 16, 16, 32, 32, 32, 64, 64, 64]
            self.blocks = nn.CellList([Residual(a, b) for a, b in zip(widths, widths[1:])])
            self.head = nn.Dense(64, 10)

        def construct(self, x):
            x = ops.relu(self.norm(self.conv(x)))
            for block in self.blocks:
                x = block(x)
            return self.head(x.mean((2, 3)))

    sizes = cases.GPT

    class Block(nn.Cell):
        def __init__(self):
            super().__init__()
            w = sizes.width
            self.norm1 = nn.LayerNorm((w,), epsilon=1e-5)
            self.q, self.k, self.v, self.o = nn.Dense(w, w), nn.Dense(w, w), nn.Dense(w, w), nn.Dense(w, w)
            self.norm2 = nn.LayerNorm((w,), epsilon=1e-5)
            self.up, self.down = nn.Dense(w, 4 * w), nn.Dense(4 * w, w)

        def heads(self, x):
            return x.reshape(sizes.batch, sizes.length, sizes.heads, -1).transpose(0, 2, 1, 3)

        def construct(self, x, mask):
            y = self.norm1(x)
            q, k, v = self.heads(self.q(y)), self.heads(self.k(y)), self.heads(self.v(y))
            a = ops.softmax(ops.matmul(q, k.transpose(0, 1, 3, 2)) * (sizes.width // sizes.heads) ** -0.5 + mask, -1)
            x = x + self.o(ops.matmul(a, v).transpose(0, 2, 1, 3).reshape(x.shape))
            return x + self.down(ops.gelu(self.up(self.norm2(x))))

    class GptNet(nn.Cell):
        def __init__(self):
            super().__init__()
            self.words, self.places = nn.Embedding(sizes.words, sizes.width), nn.Embedding(sizes.length, sizes.width)
            self.layers = nn.CellList([Block() for _ in range(sizes.layers)])
            self.norm, self.head = nn.LayerNorm((sizes.width,), epsilon=1e-5), nn.Dense(sizes.width, sizes.words, has_bias=False)

        def construct(self, x):
            place = ops.arange(sizes.length)
            mask = ops.where(place.reshape(-1, 1) >= place, 0.0, -1e9)
            x = self.words(x) + self.places(place)
            for layer in self.layers:
                x = layer(x, mask)
            return self.head(self.norm(x)).reshape(-1, sizes.words)

    class Small(nn.Cell):
        def __init__(self):
            super().__init__()
            self.fc1, self.fc2 = nn.Dense(64, 32), nn.Dense(32, 10)

        def construct(self, x):
            return self.fc2(ops.relu(self.fc1(x)))

    return {"mlp": Mlp, "lenet": LeNet, "resnet": ResNet, "gpt": GptNet, "small_step": Small}
