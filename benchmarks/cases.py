"""The cases: sizes, inputs and starting weights. Every system gets the same numbers, so that their answers can be compared."""

from __future__ import annotations

import numpy as np

CASES = ["tiny", "chain_1m", "chain_16m", "mlp", "lenet", "matmul_512", "matmul_1024", "matmul_2048"]
TITLES = {
    "tiny": "documentation's value_and_grad, two elements",
    "chain_1m": "elementwise chain, forward + backward, 1 M",
    "chain_16m": "elementwise chain, forward + backward, 16 M",
    "mlp": "MLP 784-512-512-10 training step, batch 128",
    "lenet": "LeNet-5 training step, batch 64",
    "matmul_512": "matmul 512",
    "matmul_1024": "matmul 1024",
    "matmul_2048": "matmul 2048",
}
LEARNING_RATE = 0.01
MOMENTUM = 0.9
# What each check compares: relative to the largest answer of the case.
TOLERANCE = 2e-3


def matmul_size(case: str) -> int:
    return int(case.split("_")[1])


def inputs(case: str) -> tuple[np.ndarray, ...]:
    """Arrays of the case: float32, labels int32."""
    rng = np.random.default_rng(7)
    if case == "tiny":
        return tuple(np.array(v, np.float32) for v in ([3, 3], [0, 0], [5, 5]))
    if case.startswith("chain"):
        n = 1 << (20 if case == "chain_1m" else 24)
        return tuple(rng.standard_normal(n, dtype=np.float32) for _ in range(2))
    if case == "mlp":
        return rng.standard_normal((128, 784), dtype=np.float32), rng.integers(0, 10, 128).astype(np.int32)
    if case == "lenet":
        return rng.standard_normal((64, 1, 32, 32), dtype=np.float32), rng.integers(0, 10, 64).astype(np.int32)
    n = matmul_size(case)
    return tuple(rng.standard_normal((n, n), dtype=np.float32) for _ in range(2))


def weights(case: str) -> list[np.ndarray]:
    """Starting weights: convolutions OIHW, dense layers (out, in), each followed by its bias."""
    rng = np.random.default_rng(11)
    shapes = {
        "mlp": [(512, 784), (512,), (512, 512), (512,), (10, 512), (10,)],
        "lenet": [(6, 1, 5, 5), (6,), (16, 6, 5, 5), (16,), (120, 400), (120,), (84, 120), (84,), (10, 84), (10,)],
    }[case]
    result = []
    for shape in shapes:
        scale = 1 / np.sqrt(np.prod(shape[1:])) if len(shape) > 1 else 0.01
        result.append((rng.standard_normal(shape, dtype=np.float32) * np.float32(scale)).astype(np.float32))
    return result
