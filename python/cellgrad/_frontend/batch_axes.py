"""``in_axes`` and ``out_axes`` of ``vmap``: checks, and one axis per Tensor. Errors have the types and texts of the reference."""
from __future__ import annotations

from typing import Any

from .. import _errors as err
from .._runtime import _core
from .structure import tensor_leaves

__all__ = ["Axes", "check_axes", "flatten_axes", "flatten_output", "in_range"]

Axes = Any  # int, None, or tuples, lists and dicts of them
TensorBase = _core.TensorBase


def check_axes(name: str, axes: Any) -> None:
    """Ints and None, in tuples, lists and dicts.

    Raises:
        GradError: something else.
    """
    if isinstance(axes, (tuple, list)):
        for entry in axes:
            check_axes(name, entry)
    elif isinstance(axes, dict):
        for entry in axes.values():
            check_axes(name, entry)
    elif axes is not None and (isinstance(axes, bool) or not isinstance(axes, int)):
        raise err.GradError(f"The axis in vmap`s '{name}' can only be of type Int or None, but got {axes!r} of type {type(axes).__name__}.")


def in_range(name: str, axis: int | None, ndim: int) -> int | None:
    """The axis counted from the front."""
    if axis is None:
        return None
    if not -ndim <= axis < ndim:
        raise err.GradError(f"The axis: {axis} in '{name}' is out of bounds for array of dimension [{-ndim},{ndim}).",
                            hint="a Tensor of no dimensions cannot be a batch: give its argument the axis None" if ndim == 0 else "")
    return axis + ndim if axis < 0 else axis


def flatten_axes(name: str, axes: Axes, tree: Any, whole: Axes, top: bool = True) -> list:
    """One axis per Tensor of ``tree``."""
    if axes is None or isinstance(axes, int):
        if name == "in_axes" and axes is not None and isinstance(tree, (tuple, list)):
            return [axis for item in tree for axis in flatten_axes(name, axes, item, whole, False)]
        if name == "in_axes" and axes is not None and isinstance(tree, (int, float)):
            raise err.GradError(f"vmap: {name} has the axis {axes} for the number {tree!r}, which is no batch", hint="give it the axis None, as in in_axes=(0, None)")
        return [axes] * len(tensor_leaves(tree))
    if isinstance(axes, (tuple, list)) and isinstance(tree, (tuple, list)):
        if len(axes) != len(tree):
            what = "arguments" if name == "in_axes" else "results"
            raise err.GradError(f"When vmap`s '{name}' is a tuple or list, and its size must be equal to the number of {what} of 'fn': {len(tree)}, "
                                f"but got size: {len(axes)}." if top else
                                f"vmap: '{name}' has {len(axes)} entries where the structure has {len(tree)}")
        return [axis for entry, item in zip(axes, tree) for axis in flatten_axes(name, entry, item, whole, False)]
    if isinstance(axes, dict) and isinstance(tree, dict):
        if set(axes) != set(tree):
            raise err.GradError(f"vmap: '{name}' has the keys {list(axes)}, but the dict has {list(tree)}")
        return [axis for key, item in tree.items() for axis in flatten_axes(name, axes[key], item, whole, False)]
    raise err.GradError(f"vmap: '{name}' is {whole!r}, which does not have the structure of the {'arguments' if name == 'in_axes' else 'output'}: a "
                        f"{type(axes).__name__} meets a {type(tree).__name__}")


def flatten_output(axes: Axes, output: Any) -> list:
    """One axis per Tensor of the output. A tuple of one fits a bare Tensor."""
    if isinstance(axes, (tuple, list)) and isinstance(output, TensorBase):
        if len(axes) != 1:
            raise err.GradError(f"The size of vmap's 'out_axes' should be equal to the number of results of 'fn': 1, but got size: {len(axes)}.")
        axes = axes[0]
    if isinstance(axes, (tuple, list)) and isinstance(output, (tuple, list)) and len(axes) != len(output):
        raise err.GradError(f"The size of vmap's 'out_axes' should be equal to the number of results of 'fn': {len(output)}, but got size: {len(axes)}.")
    return flatten_axes("out_axes", axes, output, axes)
