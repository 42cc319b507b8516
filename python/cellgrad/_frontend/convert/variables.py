"""The variables of a block, as branches and iterations find and leave them."""
from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ..._runtime import _core
from .. import trace
from ..dispatch import full
from ..regions import Undefined
from ..structure import map_leaves

__all__ = ["UNDEFINED", "given_up", "marked", "shapes_of", "unmarked"]

TensorBase = _core.TensorBase


class _Undefined:
    """The value of a variable that has none."""

    def __repr__(self) -> str:
        return "<undefined>"


UNDEFINED: Any = _Undefined()


def marked(name: str, value: Any) -> Any:
    """A value for the functional layer, which has a mark of its own for variables without one."""
    return Undefined(name) if value is UNDEFINED else value


def unmarked(value: Any) -> Any:
    return UNDEFINED if isinstance(value, Undefined) else value


def shapes_of(tree: Any) -> Callable[[], Any]:
    """Makes zeros of the dtypes and shapes in a tree, when its own Tensors are gone. They stand where a flag says that nobody reads them."""
    types = map_leaves(lambda leaf: (leaf.shape, leaf.dtype, TensorBase) if isinstance(leaf, TensorBase) else leaf, tree)

    def build(item: Any) -> Any:
        if isinstance(item, tuple) and len(item) == 3 and item[2] is TensorBase:
            return full(item[0], 0, item[1])
        if isinstance(item, dict):
            return {key: build(value) for key, value in item.items()}
        if isinstance(item, list):
            return [build(value) for value in item]
        return tuple(build(value) for value in item) if isinstance(item, tuple) else item

    return lambda: build(types)


@contextmanager
def given_up() -> Iterator[None]:
    """What is traced inside may be abandoned by an exception: the functions that it left unfinished go."""
    frames = trace.current_frame().capture.frames
    mark = len(frames)
    try:
        yield
    except BaseException:
        for frame in frames[mark:]:
            frame.closed = True
            if frame.function.state == "open":
                frame.function.discard()
        raise
