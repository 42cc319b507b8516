"""``GradOperation``: MindSpore's older interface to gradients."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import _errors as err
from .._runtime import _core
from .derive import NO_SENS, differentiate
from .jit import AS_WRITTEN, Compiled, bind_or_raise, is_cell
from .transforms import Request, by_position, deferred, request_key, take_sens

__all__ = ["GradOperation", "by_flags"]


class GradOperation:
    """Makes gradient functions.

    Args:
        get_all: gradients by all inputs, as a tuple; else by the first. An input that is not differentiable (a number, a container that is not ``mutable``)
            is left out of the tuple; the gradient by such a first input is ``()``.
        get_by_list: gradients by the Parameters given with the function, with ``get_all`` the pair of gradients by inputs and by Parameters.
        sens_param: the cotangent is the last argument of the call, or the keyword ``sens``; else it is 1 for every element.

    Raises:
        TypeError: an argument that is not a bool.

    Examples:
        >>> x, y = Tensor([1.0, 2.0]), Tensor([3.0, 4.0])
        >>> print(*ops.GradOperation(get_all=True, sens_param=True)(lambda x, y: x * y)(x, y, Tensor([1.0, 10.0])))
        [ 3. 40.] [ 1. 20.]
    """

    def __init__(self, get_all: bool = False, get_by_list: bool = False, sens_param: bool = False) -> None:
        for name, flag in (("get_all", get_all), ("get_by_list", get_by_list), ("sens_param", sens_param)):
            if not isinstance(flag, bool):
                raise err.UserTypeError(f"For 'GradOperation', the '{name}' should be bool, but got {type(flag).__name__}")
        self.get_all, self.get_by_list, self.sens_param = get_all, get_by_list, sens_param

    def __call__(self, fn: Any, weights: Any = None) -> Callable:
        """The gradient function of ``fn``.

        Args:
            fn: a Cell or a function.
            weights: with ``get_by_list`` a Parameter (bare gradient) or several (a tuple); a Cell's trainable ones by default. Ignored without it.

        Raises:
            TypeError: at the call: ``fn`` is not callable, or weights are not Parameters.
        """
        if not self.get_by_list:
            weights = None
        elif weights is None:
            weights = tuple(fn.trainable_params()) if is_cell(fn) else ()
        return by_flags(fn, weights, self.get_all, self.get_by_list, self.sens_param, False)


def by_flags(fn: Any, weights: Any, get_all: bool, get_by_list: bool, sens_param: bool, value: bool) -> Callable:
    """The function that computes the gradients that the flags of ``GradOperation`` ask for; with ``value`` the pair of output and gradients."""

    def make(reference: Callable) -> Compiled:
        request = Request(reference, 0, weights, False, False, sens_param, value)

        def traced(*args: Any, **kwargs: Any) -> Any:
            request.record()
            sens = NO_SENS
            if sens_param:
                sens, args, kwargs = take_sens(request.fn, args, kwargs)
            bind_or_raise(request.fn, args, kwargs)
            inputs = by_position(args, kwargs)
            if not get_all:
                inputs = [] if get_by_list else inputs[:1]
            done = differentiate(request.fn, args, kwargs, inputs, request.weight_list(), False, sens)
            gradients: Any = tuple(g for g in done.inputs if g is not None)
            of_weights = done.weights[0] if isinstance(weights, _core.TensorBase) else tuple(done.weights)
            if get_by_list:
                gradients = (gradients, of_weights) if get_all else of_weights
            elif not get_all:
                gradients = gradients[0] if gradients else ()
            return (done.output, gradients) if value else gradients

        return Compiled(reference, traced, AS_WRITTEN, traced)

    return deferred(fn, ("GradOperation", request_key(0, weights, get_all, get_by_list, sens_param, value)), make)
