"""Nested containers: tuples, lists and dicts (subclasses and namedtuples too) with Tensors at their leaves."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._runtime import _core

__all__ = ["has_leaf", "map_leaves", "plain_containers", "tensor_leaves", "with_leaves"]

_TensorBase = _core.TensorBase


def _rebuild(template: Any, items: list) -> Any:
    cls = type(template)
    if cls is tuple:
        return tuple(items)
    if cls is list:
        return items
    if hasattr(cls, "_fields") and isinstance(template, tuple):
        return cls(*items)
    return cls(items)


def map_leaves(fn: Callable[[Any], Any], tree: Any) -> Any:
    """The same structure with ``fn`` applied to everything that is not a tuple, list or dict."""
    if isinstance(tree, (tuple, list)):
        return _rebuild(tree, [map_leaves(fn, item) for item in tree])
    if isinstance(tree, dict):
        items = [(key, map_leaves(fn, value)) for key, value in tree.items()]
        return dict(items) if type(tree) is dict else type(tree)(items)
    return fn(tree)


def plain_containers(fn: Callable[[Any], Any], tree: Any) -> Any:
    """As ``map_leaves``, but subclasses of tuple, list and dict become these."""
    if isinstance(tree, tuple):
        return tuple(plain_containers(fn, item) for item in tree)
    if isinstance(tree, list):
        return [plain_containers(fn, item) for item in tree]
    if isinstance(tree, dict):
        return {key: plain_containers(fn, value) for key, value in tree.items()}
    return fn(tree)


def tensor_leaves(tree: Any) -> list[Any]:
    """The Tensors in a structure, depth first in order."""
    found: list[Any] = []
    _collect(tree, found)
    return found


def _collect(item: Any, found: list[Any]) -> None:
    # Not a function inside the other: that would be a cycle with itself and hold the Tensors until the garbage collector runs.
    if isinstance(item, _TensorBase):
        found.append(item)
    elif isinstance(item, (tuple, list)):
        for element in item:
            _collect(element, found)
    elif isinstance(item, dict):
        for element in item.values():
            _collect(element, found)


def with_leaves(tree: Any, leaves: list) -> Any:
    """The structure with its Tensors, in order, replaced."""
    rest = iter(leaves)
    return map_leaves(lambda leaf: next(rest) if isinstance(leaf, _TensorBase) else leaf, tree)


def has_leaf(tree: Any, kind: type) -> bool:
    """Whether something in the structure is of a type."""
    found = False

    def look(leaf: Any) -> Any:
        nonlocal found
        found = found or isinstance(leaf, kind)
        return leaf

    map_leaves(look, tree)
    return found
