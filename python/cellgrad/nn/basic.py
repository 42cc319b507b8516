"""Dense, Dropout, Flatten, Embedding, Identity."""
from __future__ import annotations

import math
from typing import Any

from .. import _errors as err
from .. import ops
from .._runtime import dtype as dt
from .._runtime.tensor_data import shared
from ..common.initializer import HeUniform, Normal, Uniform, initializer
from ..common.parameter import Parameter
from ..common.tensor import Tensor
from ._checks import boolean, is_int, number, positive_int
from .activation import get_activation
from .cell import Cell

__all__ = ["Dense", "Dropout", "Embedding", "Flatten", "Identity"]


class Dense(Cell):
    """``activation(x @ weight.T + bias)``.

    Args:
        in_channels, out_channels: sizes of the last dimension of input and result.
        weight_init: initialiser of the weight, of shape (out_channels, in_channels). None: uniform in ±1/sqrt(in_channels).
        bias_init: initialiser of the bias, of shape (out_channels,). None: uniform in ±1/sqrt(in_channels).
        has_bias: whether there is a bias.
        activation: name such as 'relu', a Cell, a function, or None.
        dtype: dtype of the Parameters.

    Inputs: Tensor of shape (..., in_channels). Result: Tensor of shape (..., out_channels).

    Raises:
        TypeError: sizes that are not ints, a flag that is not a bool.
        ValueError: sizes below 1; an initial Tensor of another shape; an input of another size.

    Examples:
        >>> nn.Dense(3, 4)(ops.ones((2, 3), ms.float32)).shape
        (2, 4)
    """

    def __init__(self, in_channels: int, out_channels: int, weight_init: Any = None, bias_init: Any = None, has_bias: bool = True, activation: Any = None,
                 dtype: Any = dt.float32) -> None:
        super().__init__()
        self.in_channels = positive_int("Dense", "in_channels", in_channels)
        self.out_channels = positive_int("Dense", "out_channels", out_channels)
        self.has_bias = boolean("Dense", "has_bias", has_bias)
        shape = (self.out_channels, self.in_channels)
        if isinstance(weight_init, Tensor) and tuple(weight_init.shape) != shape:
            raise err.UserValueError(f"For 'Dense', 'weight_init' must have shape {shape}, but has {tuple(weight_init.shape)}.")
        self.weight = Parameter(initializer(HeUniform(math.sqrt(5)) if weight_init is None else weight_init, shape, dtype), name="weight")
        self.bias = None
        if self.has_bias:
            if isinstance(bias_init, Tensor) and tuple(bias_init.shape) != shape[:1]:
                raise err.UserValueError(f"For 'Dense', 'bias_init' must have shape {shape[:1]}, but has {tuple(bias_init.shape)}.")
            self.bias = Parameter(initializer(Uniform(1 / math.sqrt(self.in_channels)) if bias_init is None else bias_init, shape[:1], dtype), name="bias")
        self.activation = get_activation(activation)

    def construct(self, x: Any) -> Tensor:
        x = ops.dense(x, self.weight, self.bias)
        return x if self.activation is None else self.activation(x)

    def extend_repr(self) -> str:
        text = f"input_channels={self.in_channels}, output_channels={self.out_channels}"
        if self.has_bias:
            text += f", has_bias={self.has_bias}"
        return text if self.activation is None else f"{text}, activation={self.activation}"


class Identity(Cell):
    """The input, as it is."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def construct(self, x: Any) -> Any:
        return x


class Flatten(Cell):
    """The dimensions from ``start_dim`` to ``end_dim`` as one: (N, C, H, W) becomes (N, C * H * W).

    Args:
        start_dim, end_dim: ints; negative ones count from the end.

    Raises:
        TypeError: not ints.
        ValueError: out of range for the input, or in the wrong order.
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        for name, value in (("start_dim", start_dim), ("end_dim", end_dim)):
            if not is_int(value):
                raise err.UserTypeError(f"For 'Flatten', '{name}' must be an int, but got {type(value).__name__}.")
        self.start_dim, self.end_dim = int(start_dim), int(end_dim)

    def construct(self, x: Any) -> Tensor:
        return ops.flatten(x, start_dim=self.start_dim, end_dim=self.end_dim)


class Dropout(Cell):
    """In training, sets elements to 0 with probability ``p`` and divides the others by ``1 - p``; otherwise the input.

    Args:
        keep_prob: 1 - p, MindSpore's older argument; used when ``p`` is None.
        p: number in [0, 1).
        dtype: accepted for MindSpore's programs.

    Raises:
        TypeError: not a number.
        ValueError: out of range.
    """

    def __init__(self, keep_prob: float = 0.5, p: float | None = None, dtype: Any = dt.float32) -> None:
        super().__init__()
        if p is None:
            self.keep_prob = number("Dropout", "keep_prob", keep_prob, 0, 1, open_low=True)
            self.p = 1.0 - self.keep_prob
        else:
            self.p = number("Dropout", "p", p, 0, 1, open_high=True)
            self.keep_prob = 1.0 - self.p
        self._by_keep_prob = p is None

    def construct(self, x: Any) -> Tensor:
        return ops.dropout(x, self.p) if self.training and self.p > 0 else x

    def extend_repr(self) -> str:
        return f"keep_prob={self.keep_prob}" if self._by_keep_prob else f"p={self.p}"


class Embedding(Cell):
    """Rows of a table by index.

    Args:
        vocab_size, embedding_size: shape of the table.
        use_one_hot: whether rows are found by a product with one-hot vectors.
        embedding_table: initialiser of the table. 'normal' has the standard deviation 0.01.
        dtype: dtype of the table.
        padding_idx: index of a row that starts with 0, or None.

    Inputs: integer Tensor of any shape. Result: Tensor of shape ``ids.shape + (embedding_size,)``. An index out of range gives 0.

    Raises:
        TypeError: sizes that are not ints.
        ValueError: sizes below 1; ``padding_idx`` out of range.
    """

    def __init__(self, vocab_size: int, embedding_size: int, use_one_hot: bool = False, embedding_table: Any = "normal", dtype: Any = dt.float32,
                 padding_idx: int | None = None) -> None:
        super().__init__()
        self.vocab_size = positive_int("Embedding", "vocab_size", vocab_size)
        self.embedding_size = positive_int("Embedding", "embedding_size", embedding_size)
        self.use_one_hot = boolean("Embedding", "use_one_hot", use_one_hot)
        self.dtype, self.padding_idx = dt.as_dtype(dtype), padding_idx
        table = initializer(Normal() if embedding_table == "normal" else embedding_table, (self.vocab_size, self.embedding_size), dtype)
        if padding_idx is not None:
            if not is_int(padding_idx) or not 0 <= padding_idx < self.vocab_size:
                raise err.UserValueError(f"For 'Embedding', 'padding_idx' must be an int in [0, {self.vocab_size}), but got {padding_idx}.")
            shared(table)[padding_idx] = 0
        self.embedding_table = Parameter(table, name="embedding_table")

    def construct(self, ids: Any) -> Tensor:
        if self.use_one_hot:
            hot = ops.one_hot(ids, self.vocab_size, 1.0, 0.0)
            return ops.matmul(ops.cast(hot, self.embedding_table.dtype), self.embedding_table)
        return ops.gather(self.embedding_table, ids, 0)

    def extend_repr(self) -> str:
        return (f"vocab_size={self.vocab_size}, embedding_size={self.embedding_size}, use_one_hot={self.use_one_hot}, "
                f"embedding_table={self.embedding_table}, dtype={self.dtype}, padding_idx={self.padding_idx}")
