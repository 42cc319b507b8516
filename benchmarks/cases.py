"""The cases: sizes, inputs and starting weights. Every system gets the same numbers, so that their answers can be compared."""

from __future__ import annotations

import os
from typing import NamedTuple

import numpy as np

CASES = ["tiny", "chain_1m", "chain_16m", "mlp", "lenet", "matmul_512", "matmul_1024", "matmul_2048"]
DEVICE_CASES = ["copy", "chain_64m", "softmax", "layer_norm", "matmul_4096", "matmul_4096_tf32", "matmul_4096_bf16", "small_step", "mlp", "resnet", "gpt"]
TRAINING = ("small_step", "mlp", "lenet", "resnet", "gpt")
# Timed with a wait after each call; all others in rows of calls that are queued.
LATENCY = ("small_step",)
LEARNING_RATE = 0.01
MOMENTUM = 0.9

# Where the systems compute, and sizes that a simulated device can do.
DEVICE = os.environ.get("CELLGRAD_BENCH_DEVICE", "CPU")
SMALL = os.environ.get("CELLGRAD_BENCH_SMALL") == "1"

MILLIONS = {"chain_1m": 1 << 20, "chain_16m": 1 << 24, "chain_64m": 1 << (12 if SMALL else 26), "copy": 1 << (12 if SMALL else 28)}
ROWS, COLUMNS = (16, 64) if SMALL else (16384, 4096)


class Gpt(NamedTuple):
    """The sizes of nanoGPT's character model."""

    layers: int = 6
    heads: int = 6
    width: int = 384
    length: int = 256
    batch: int = 64
    words: int = 65


GPT = Gpt(1, 2, 16, 8, 2, 11) if SMALL else Gpt()
IMAGES = 2 if SMALL else 128
TITLES = {
    "tiny": "documentation's value_and_grad, two elements",
    "chain_1m": "elementwise chain, forward + backward, 1 M",
    "chain_16m": "elementwise chain, forward + backward, 16 M",
    "chain_64m": f"elementwise chain, forward + backward, {MILLIONS['chain_64m']:,}",
    "copy": f"copy, {MILLIONS['copy']:,}",
    "softmax": f"softmax, forward + backward, {ROWS} x {COLUMNS}",
    "layer_norm": f"layer_norm, forward + backward, {ROWS} x {COLUMNS}",
    "mlp": "MLP 784-512-512-10 training step, batch 128",
    "small_step": "MLP 64-32-10 training step, batch 8, waited for",
    "lenet": "LeNet-5 training step, batch 64",
    "resnet": f"ResNet-20 training step, {IMAGES} images of 32 x 32",
    "gpt": f"GPT training step, {GPT.layers} layers of {GPT.width}, {GPT.batch} x {GPT.length}",
}


def title(case: str) -> str:
    kind = case.split("_")[2:] if case.startswith("matmul") else []
    return f"matmul {matmul_size(case)} {kind[0] if kind else 'f32'}" if case.startswith("matmul") else TITLES[case]


def tolerance(case: str) -> float:
    """What each check compares: relative to the largest answer of the case."""
    return 1e-2 if case.endswith(("bf16", "tf32")) else 2e-3


def matmul_size(case: str) -> int:
    return 32 if SMALL else int(case.split("_")[1])


def bytes_moved(case: str) -> int:
    """The fewest bytes a call has to read and write; 0 where arithmetic is what counts."""
    if case in MILLIONS:
        return 4 * MILLIONS[case] * (2 if case == "copy" else 4)  # the chain reads x and y, writes dx and dy
    return 4 * ROWS * COLUMNS * 3 if case in ("softmax", "layer_norm") else 0  # reads x and what its result is weighed with, writes dx


def inputs(case: str) -> tuple[np.ndarray, ...]:
    """Arrays of the case: float32, labels and words int32."""
    rng = np.random.default_rng(7)

    def labels(count: int) -> np.ndarray:
        return rng.integers(0, 10, count).astype(np.int32)

    if case == "tiny":
        return tuple(np.array(v, np.float32) for v in ([3, 3], [0, 0], [5, 5]))
    if case in MILLIONS:
        return tuple(rng.standard_normal(MILLIONS[case], dtype=np.float32) for _ in range(1 if case == "copy" else 2))
    if case in ("softmax", "layer_norm"):
        return tuple(rng.standard_normal((ROWS, COLUMNS), dtype=np.float32) for _ in range(2))
    if case == "mlp":
        return rng.standard_normal((128, 784), dtype=np.float32), labels(128)
    if case == "small_step":
        return rng.standard_normal((8, 64), dtype=np.float32), labels(8)
    if case == "lenet":
        return rng.standard_normal((64, 1, 32, 32), dtype=np.float32), labels(64)
    if case == "resnet":
        return rng.standard_normal((IMAGES, 3, 32, 32), dtype=np.float32), labels(IMAGES)
    if case == "gpt":
        words = rng.integers(0, GPT.words, (GPT.batch, GPT.length + 1)).astype(np.int32)
        return np.ascontiguousarray(words[:, :-1]), np.ascontiguousarray(words[:, 1:])
    n = matmul_size(case)
    return tuple(rng.standard_normal((n, n), dtype=np.float32) for _ in range(2))


def resnet_shapes() -> list[tuple[int, ...]]:
    """ResNet-20: convolutions each with scale and shift of its normalisation; where a block changes the size, the shortcut's after its two."""
    shapes: list[tuple[int, ...]] = [(16, 3, 3, 3), (16,), (16,)]
    width = 16
    for out in (16, 32, 64):
        for _ in range(3):
            shapes += [(out, width, 3, 3), (out,), (out,), (out, out, 3, 3), (out,), (out,)]
            shapes += [(out, width, 1, 1), (out,), (out,)] if out != width else []
            width = out
    return [*shapes, (10, 64), (10,)]


def gpt_shapes() -> list[tuple[int, ...]]:
    """Embeddings of words and places; of each layer norm, q, k, v, o, norm, up, down; the last norm and the head."""
    w = GPT.width
    layer = [(w,), (w,), *[(w, w), (w,)] * 4, (w,), (w,), (4 * w, w), (4 * w,), (w, 4 * w), (w,)]
    return [(GPT.words, w), (GPT.length, w), *layer * GPT.layers, (w,), (w,), (GPT.words, w)]


def weights(case: str) -> list[np.ndarray]:
    """Starting weights: convolutions OIHW, dense layers (out, in), each followed by its bias; norms scale and shift."""
    rng = np.random.default_rng(11)
    shapes = {
        "mlp": [(512, 784), (512,), (512, 512), (512,), (10, 512), (10,)],
        "small_step": [(32, 64), (32,), (10, 32), (10,)],
        "lenet": [(6, 1, 5, 5), (6,), (16, 6, 5, 5), (16,), (120, 400), (120,), (84, 120), (84,), (10, 84), (10,)],
        "resnet": resnet_shapes(),
        "gpt": gpt_shapes(),
    }[case]
    result = []
    for shape in shapes:
        scale = 1 / np.sqrt(np.prod(shape[1:])) if len(shape) > 1 else 0.01
        result.append((rng.standard_normal(shape, dtype=np.float32) * np.float32(scale)).astype(np.float32))
    return result
