"""Mixed precision: the dtype in which the ops of a Cell compute (``Cell.to_float`` and ``amp``).

The dtype belongs to the capture while the Cell's ``construct`` runs. Each op of Python's (an op of the dialect or a composite) takes its float operands in
that dtype; what a composite does inside is its own business. Parameters keep their dtype, and so do writes into them.
"""
from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .._runtime import _core
from .._runtime import dtype as dt
from . import trace
from .numbers import stands_for_number
from .structure import map_leaves

__all__ = ["cast_floats", "computed", "current", "is_set", "of_cell", "suspended", "within"]

TensorBase = _core.TensorBase

# These move elements or say a dtype themselves; what they give is cast where something is computed of it. A moving average stays as exact as what it updates.
_AS_THEY_ARE = frozenset(("cast", "broadcast", "reshape", "transpose", "slice", "reverse", "moving_average"))
# Of a table only what was looked up is cast.
_RESULT = frozenset(("gather", "dynamic_slice"))


def current() -> dt.DType | None:
    """The dtype of the Cell that is being captured, ``None`` where ops take their operands as they are."""
    capture = trace.current_capture()
    return None if capture is None else capture.precision


@contextmanager
def within(dtype: dt.DType | None) -> Iterator[None]:
    """Ops that are captured here compute in a dtype; ``None`` for that of their operands. Outside of captures it does nothing."""
    capture = trace.current_capture()
    if capture is None:
        yield
        return
    outer, capture.precision = capture.precision, dtype
    try:
        yield
    finally:
        capture.precision = outer


def suspended() -> Any:
    """Ops that are captured here take their operands as they are."""
    return within(None)


def _cast(leaf: Any, dtype: dt.DType) -> Any:
    from .dispatch import cast

    is_float = isinstance(leaf, TensorBase) and leaf.dtype.is_floating_point and not stands_for_number(leaf)
    return cast(leaf, dtype) if is_float else leaf


def cast_floats(tree: Any, dtype: dt.DType | None) -> Any:
    """The structure with its float Tensors in a dtype; as it is for ``None``. What stands for a Python number stays one."""
    return tree if dtype is None else map_leaves(lambda leaf: _cast(leaf, dtype), tree)


def computed(name: str, attrs: tuple | None, tensors: tuple, build: Callable) -> Any:
    """The result of an op in the dtype of the Cell around it."""
    dtype = current()
    assert dtype is not None
    with suspended():
        if name in _AS_THEY_ARE:
            return build(name, attrs, tensors)
        if name in _RESULT:
            return cast_floats(build(name, attrs, tensors), dtype)
        return build(name, attrs, tuple(_cast(t, dtype) for t in tensors))


def is_set(cell: Any) -> bool:
    """Whether a Cell has a precision of its own, outside of captures."""
    state = cell.__dict__
    return bool(state.get("_precision")) or state.get("_result_dtype") is not None


def of_cell(cell: Any, run: Callable, args: tuple, kwargs: dict) -> Any:
    """A call of a Cell in its own precision: inputs cast, ops in its dtype, results cast where ``amp`` says so. A Cell without one has that of its caller."""
    dtype, results = getattr(cell, "_precision", None), getattr(cell, "_result_dtype", None)
    if dtype is not None:
        args, kwargs = cast_floats((args, kwargs), dtype or None)
        with within(dtype or None):
            output = run(cell, args, kwargs)
    else:
        output = run(cell, args, kwargs)
    return cast_floats(output, results)
