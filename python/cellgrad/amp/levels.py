"""Which Cells of a network compute in float16 or bfloat16."""
from __future__ import annotations

from typing import Any

from .. import _errors as err
from .. import nn, ops
from .._runtime import dtype as dt
from ..nn.cell import Cell
from ..ops.primitive import Primitive

__all__ = ["auto_mixed_precision", "custom_mixed_precision", "get_black_list", "get_white_list"]

# MindSpore's lists, of what there is here: what gains most in low precision and loses least; what needs the range of float32.
_WHITE = (nn.Conv2d, nn.Dense, ops.Conv2D, ops.MatMul, ops.BatchMatMul, ops.PReLU, ops.ReLU)
_BLACK = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.LayerNorm)
_LEVELS = ("O0", "O1", "O2", "O3")


def get_white_list() -> list[type]:
    """A copy of the classes that ``auto_mixed_precision`` lowers at level "O1": Cells and Primitives.

    Examples:
        >>> nn.Dense in amp.get_white_list()
        True
    """
    return list(_WHITE)


def get_black_list() -> list[type]:
    """A copy of the classes of Cells that ``auto_mixed_precision`` keeps in float32 at level "O2".

    Examples:
        >>> nn.LayerNorm in amp.get_black_list()
        True
    """
    return list(_BLACK)


def _check(owner: str, network: Any, dtype: Any) -> None:
    if not isinstance(network, Cell):
        raise err.UserTypeError(f"For '{owner}', the network should be a Cell, but got {type(network).__name__}.")
    if dtype not in (dt.float16, dt.bfloat16):
        raise err.UserValueError(f"For '{owner}', the dtype should be float16 or bfloat16, but got {dtype}.")


def _lower_listed(cell: Cell, classes: tuple, dtype: Any, inside: bool = False) -> None:
    """What is in the list computes in the dtype and gives float32; what has a precision of its own keeps it."""
    if cell._precision is not None:
        return
    if inside or type(cell) in classes:
        cell._precision = dtype
        if not inside:
            cell._result_dtype = dt.float32
        inside = True
    for name, value in list(cell.__dict__.items()):
        if isinstance(value, Primitive) and type(value) in classes and not inside:
            cell.__dict__[name] = value.lowered(dtype)
    for child in cell.cells():
        _lower_listed(child, classes, dtype, inside)


def _lower_all(network: Cell, kept: tuple, dtype: Any) -> None:
    """All Cells compute in the dtype but those of the list, which give it; a network that is itself in the list stays as it is."""
    if isinstance(network, kept):
        return
    network.to_float(dtype)

    def walk(cell: Cell) -> None:
        for child in cell.cells():
            if isinstance(child, kept):
                child.to_float(dt.float32)
                child._result_dtype = dtype
            else:
                walk(child)

    walk(network)
    network._result_dtype = dt.float32


def auto_mixed_precision(network: Cell, amp_level: str = "O0", dtype: Any = dt.float16) -> Cell:
    """Lets a network compute in low precision, in place; gives the network.

    Args:
        network: Cell. Its Parameters keep their dtype, and its result is float32.
        amp_level: "O0" changes nothing. "O1": Cells and Primitives of ``get_white_list()`` compute in ``dtype`` and give float32. "O2": everything computes in ``dtype``
            but the Cells of ``get_black_list()``. "O3": everything does.
        dtype: ``float16`` or ``bfloat16``.

    Raises:
        TypeError: the network is not a Cell.
        ValueError: another level or dtype.

    Examples:
        >>> net = amp.auto_mixed_precision(nn.Dense(3, 2), "O2", ms.bfloat16)
        >>> print(net(ops.ones((1, 3), ms.float32)).dtype)
        Float32
    """
    _check("auto_mixed_precision", network, dtype)
    if amp_level == "auto":
        raise err.UnsupportedError("auto_mixed_precision: the level 'auto' is not supported", hint="use 'O1', or custom_mixed_precision with a list of your own")
    if amp_level not in _LEVELS:
        raise err.UserValueError(f"For 'auto_mixed_precision', the amp level should be one of {', '.join(_LEVELS)}, but got {amp_level!r}.")
    if amp_level == "O1":
        _lower_listed(network, _WHITE, dtype)
    elif amp_level != "O0":
        _lower_all(network, _BLACK if amp_level == "O2" else (), dtype)
    return network


def custom_mixed_precision(network: Cell, *, white_list: list | None = None, black_list: list | None = None, dtype: Any = dt.float16) -> Cell:
    """``auto_mixed_precision`` with a list of one's own, in place; gives the network.

    Args:
        network: Cell.
        white_list: list of classes of Cells and Primitives that compute in ``dtype``, as at level "O1".
        black_list: list of classes of Cells that stay float32, as at level "O2". One of the two lists is given.
        dtype: ``float16`` or ``bfloat16``.

    Raises:
        TypeError: the network is not a Cell; a list is no list of such classes.
        ValueError: none of the lists is given, or both; another dtype.

    Examples:
        >>> net = nn.SequentialCell(nn.Dense(3, 3), nn.ReLU())
        >>> _ = amp.custom_mixed_precision(net, white_list=amp.get_white_list() + [nn.ReLU])
    """
    _check("custom_mixed_precision", network, dtype)
    if (white_list is None) == (black_list is None):
        raise err.UserValueError("For 'custom_mixed_precision', one of 'white_list' and 'black_list' should be given, and not both.")
    name, given, kinds = ("black_list", black_list, (Cell,)) if white_list is None else ("white_list", white_list, (Cell, Primitive))
    if not isinstance(given, list) or not all(isinstance(kind, type) and issubclass(kind, kinds) for kind in given):
        raise err.UserTypeError(f"For 'custom_mixed_precision', '{name}' should be a list of classes of {' and '.join(k.__name__ + 's' for k in kinds)}, but got {given!r}.")
    if white_list is None:
        _lower_all(network, tuple(given), dtype)
    else:
        _lower_listed(network, tuple(given), dtype)
    return network
