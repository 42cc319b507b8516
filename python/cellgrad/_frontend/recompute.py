"""``recompute`` and ``checkpoint``: functions that are computed again for their derivative instead of saving what it needs."""
from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from .. import _errors as err
from . import rules, trace
from .checks import check_callable
from .jit import is_cell, name_of, run_function

__all__ = ["call_recomputed", "checkpoint", "recompute"]


def call_recomputed(run: Callable, args: tuple, kwargs: dict, name: str) -> Any:
    """A call inside a capture as a function that saves only its arguments."""

    def finishing(frame: trace.Frame, *rest: Any) -> None:
        frame.function.set_attribute("cell.recompute", True)

    return trace.trace_function(run, args, kwargs, name, finishing=finishing if rules.differentiating() else None).call()


def checkpoint(fn: Callable) -> Callable:
    """``fn``, computed again when its derivative needs it: of its values only the arguments are kept between forward and backward.

    Args:
        fn: a Cell or a function. Random ops in it give the same numbers both times.

    Returns:
        A function with the arguments, result and derivatives of ``fn``.

    Raises:
        TypeError: ``fn`` is not callable.

    Examples:
        >>> block = ms.checkpoint(lambda x: ops.sin(ops.exp(x)))
        >>> print(ms.grad(block)(Tensor([0.0])))
        [0.5403023]
    """
    check_callable(fn)

    def recomputed(*args: Any, **kwargs: Any) -> Any:
        if not trace.capturing():
            return fn(*args, **kwargs)
        return call_recomputed(lambda *a, **k: run_function(fn, a, k), args, kwargs, name_of(fn))

    if not is_cell(fn):
        functools.update_wrapper(recomputed, fn)
    return recomputed


def recompute(block: Any, *args: Any, use_reentrant: bool = True, output_recompute: bool = False, early_stop: bool = True, context_fn: Any = None,
              **kwargs: Any) -> Any:
    """Calls a Cell so that its derivative computes it again instead of saving its values.

    Args:
        block: the Cell.
        args, kwargs: its arguments.
        use_reentrant, output_recompute, early_stop: accepted as MindSpore has them; the program is the same.
        context_fn: must be None.

    Returns:
        What the Cell returns.

    Raises:
        TypeError: ``block`` is not a Cell.
        ValueError: ``context_fn`` is given.

    Examples:
        >>> net = nn.SequentialCell(nn.Tanh(), nn.Sigmoid())
        >>> print(ms.grad(lambda x: ms.recompute(net, x))(Tensor([0.0])))
        [0.25]
    """
    if not is_cell(block):
        raise err.UserTypeError(f"For 'recompute', the 'block' should be a Cell, but got {type(block).__name__}", hint="for a function there is checkpoint(fn)")
    if context_fn is not None:
        raise err.UserValueError("For 'recompute', context_fn is not supported", hint="leave it out: the block is compiled the same way both times")
    return checkpoint(block)(*args, **kwargs)
