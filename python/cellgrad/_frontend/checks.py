"""Checks of the arguments of derivatives, with the types and texts of the reference."""
from __future__ import annotations

from typing import Any

from .. import _errors as err

__all__ = ["check_aux", "check_callable", "check_flag", "check_position"]


def check_flag(name: str, value: Any) -> None:
    if not isinstance(value, bool):
        raise err.UserTypeError(f"For '_Grad', the '{name}' should be bool, but got {type(value).__name__}")


def check_position(position: Any) -> None:
    """``None``, an int or a tuple of ints, none negative, none twice."""
    if position is None:
        return
    if not isinstance(position, (int, tuple)):
        raise err.UserTypeError("For 'F.grad', the 'grad_position' must be int or tuple.")
    if isinstance(position, int):
        if position < 0:
            raise err.UserValueError("grad_position must be >= 0.")
        return
    for element in position:
        if not isinstance(element, int):
            raise err.UserTypeError("For 'F.grad', the element in 'grad_position' must be int.")
        if element < 0:
            raise err.UserValueError("The element in grad_position must be >= 0.")
    if len(set(position)) != len(position):
        raise err.UserValueError("There are duplicate positions in `grad_position`, please check it")


def check_callable(fn: Any) -> None:
    if not callable(fn):
        raise err.UserTypeError(f"The fn should be callable, but got {type(fn).__name__}")
    if isinstance(fn, type):
        raise err.UserTypeError(f"The fn should be a function or a Cell, but got the class {fn.__name__}", hint=f"make an instance first: {fn.__name__}(...)")


def check_aux(output: Any) -> None:
    """Raises:
    UserValueError: the output is no tuple of two or more.
    """
    if not isinstance(output, tuple) or len(output) < 2:
        raise err.UserValueError("When has_aux is True, origin fn requires more than one outputs.",
                                 hint="return a tuple: what is differentiated first, then the values to pass on")
