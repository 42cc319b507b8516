"""Branches and bodies of loops: functions traced into frames of their own that are finished only when what they must give is known."""
from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

import numpy as np

from .. import _errors as err
from .._runtime import _core
from .._runtime import dtype as dt
from .._runtime.tensor_data import asnumpy
from . import locations, trace
from .dispatch import as_tensor, cast, dispatch
from .structure import map_leaves

__all__ = ["Like", "Region", "Undefined", "condition_value", "copied", "describe", "is_undefined", "known_value", "number_dtype", "same_static", "where_it_differs"]

TensorBase = _core.TensorBase


class Undefined:
    """Stands for a variable that has no value (on some way through the program).

    Args:
        name: of the variable.
        reason: what the error says about it, after "the variable 'name' ".
    """

    def __init__(self, name: str, reason: str = "has no value yet") -> None:
        self.name, self.reason = name, reason

    def __repr__(self) -> str:
        return f"<no value: {self.name}>"

    def error(self) -> Exception:
        """The error for using it."""
        return err.CaptureError(f"the variable '{self.name}' {self.reason}", hint=f"give '{self.name}' a value before the statement")


class Like:
    """Dtype and shape, where a Tensor's are asked for."""

    def __init__(self, dtype: dt.DType, shape: tuple) -> None:
        self.dtype, self.shape = dtype, shape


def is_undefined(value: Any) -> bool:
    return isinstance(value, Undefined)


def copied(tree: Any) -> Any:
    """The tree with containers of its own, so that a function that changes them changes nothing outside."""
    return map_leaves(lambda leaf: leaf, tree)


def describe(value: Any) -> str:
    """A value in the words of an error."""
    if isinstance(value, (TensorBase, Like)):
        return f"{'an' if str(value.dtype)[0] in 'AIU' else 'a'} {value.dtype} Tensor of shape {value.shape}"
    if value is None or isinstance(value, bool):
        return str(value)
    if isinstance(value, (int, float, str)):
        return f"the {type(value).__name__} {value!r:.60}"
    if isinstance(value, (tuple, list)):
        return f"a {type(value).__name__} of {len(value)}"
    if isinstance(value, dict):
        return f"a dict with keys {list(value)!r:.60}"
    if is_undefined(value):
        return "no value"
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"


def same_static(a: Any, b: Any) -> bool:
    """Whether two values that are no Tensors are the same to a program."""
    if a is b:
        return True
    if type(a) is not type(b) or isinstance(a, (TensorBase, np.ndarray)):
        return False
    try:
        return bool(a == b)
    except Exception:  # an __eq__ of the user's that gives no truth value
        return False


def number_dtype(value: Any) -> dt.DType:
    """The dtype that a Python number takes as a Tensor."""
    return as_tensor(value.item() if isinstance(value, np.generic) else value).dtype


def where_it_differs(a: Any, b: Any, path: str) -> tuple[str, Any, Any] | None:
    """The first place where two trees have different containers: its path and what is there; places without a value are passed over."""
    if is_undefined(a) or is_undefined(b):
        return None
    if isinstance(a, dict):
        if not isinstance(b, dict) or set(a) != set(b):
            return path, a, b
        pairs = [(f"{path}[{key!r}]", a[key], b[key]) for key in a]
    elif isinstance(a, (tuple, list)):
        if type(a) is not type(b) or len(a) != len(b):
            return path, a, b
        pairs = [(f"{path}[{i}]", x, y) for i, (x, y) in enumerate(zip(a, b))]
    else:
        return (path, a, b) if isinstance(b, (tuple, list, dict)) else None
    for place, x, y in pairs:
        found = where_it_differs(x, y, place)
        if found is not None:
            return found
    return None


def known_value(x: Any) -> Any:
    """What Python knows of a Tensor while the program is being captured: its elements where it is a constant, else ``None``."""
    capture = trace.current_capture()
    if x._node is not None or (capture is not None and (id(x) not in capture.fresh or id(x) in capture.overwritten)):
        return None
    return asnumpy(x)


def condition_value(predicate: Any, what: str, position: Any = None) -> Any:
    """A condition as ``True`` or ``False`` where Python can know it, else as a traced bool Tensor of no dimensions.

    Raises:
        UserValueError: a Tensor of more than one element.
    """
    if not isinstance(predicate, TensorBase):
        if is_undefined(predicate):
            raise predicate.error()
        return bool(predicate)
    if not trace.capturing():
        return bool(predicate)
    if predicate.size != 1:
        raise err.UserValueError(f"{what}: the condition is a Tensor of shape {predicate.shape}, which is not one truth value", position=position,
                                 hint="reduce it first: (condition).all() or (condition).any(); ops.where chooses element by element")
    known = known_value(predicate)
    if known is not None:
        return bool(known.reshape(())[()])
    predicate = cast(predicate, dt.bool_)
    return predicate if predicate.shape == () else dispatch("reshape", (predicate,), {"shape": ()})


class Region:
    """A frame whose function is traced now and finished later, with more results than its Python function gives."""

    def __init__(self, name: str) -> None:
        capture = trace.current_frame().capture
        self.capture = capture
        self.frame = trace.Frame(capture, capture.frame, name)
        self._fresh = len(capture.fresh)
        self._born: set[int] = set()

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Ops go to this frame."""
        self.frame.closed = False
        self.capture.stack.append(self.frame)
        try:
            yield
        finally:
            self.frame.closed = True
            self.capture.stack.pop()

    def run(self, fn: Callable, args: tuple) -> Any:
        with self.inside():
            output = fn(*args)
        self._born = set(islice(self.capture.fresh, self._fresh, None))
        return output

    def bind(self, tensor: Any) -> None:
        """The next argument of the function is what a Tensor from outside stands for at its start."""
        self.frame.values[id(tensor)] = self.frame.argument(tensor)
        self.frame.keep.append(tensor)

    def writes(self) -> list:
        """Tensors from outside that the function writes. What it makes and writes itself is its own business."""
        return [tensor for key, tensor in self.frame.written.items() if key not in self._born]

    def value(self, leaf: Any, dtype: dt.DType) -> Any:
        """The value of a Tensor or number of the function's output as a result of that dtype."""
        with self.inside():
            if isinstance(leaf, np.generic):
                leaf = leaf.item()
            return self.frame.value(as_tensor(leaf, dtype))

    def written_value(self, tensor: Any) -> Any:
        """What a Tensor from outside stands for at the end."""
        with self.inside():
            return self.frame.value(tensor)

    def finish(self, values: list) -> None:
        self.frame.function.finish(values, {})

    def discard(self) -> None:
        """Gives the function up."""
        self.frame.function.discard()

    def lifted(self) -> list:
        """What it takes from outside besides its own arguments, as values of the current frame."""
        parent = trace.current_frame()
        return [parent.value(tensor) for tensor in self.frame.lifted]


def emit_location() -> Any:
    return locations.location(trace.current_frame().capture)
