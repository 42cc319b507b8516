"""``value_and_grad``, ``grad`` and ``get_grad``.

A derivative is a function of its own frame with one ``cell.value_and_grad`` (or ``cell.vjp``) of the differentiated function. Called from plain
Python it is a compiled program; called while capturing it is a part of that program, so that derivatives nest.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import _errors as err
from .._runtime import _core
from .checks import check_callable, check_flag, check_position
from .derive import NO_SENS, Derived, differentiate
from .hooks import active_recorder
from .jit import AS_WRITTEN, Compiled, bind_or_raise, name_of, shared

__all__ = ["Request", "by_position", "deferred", "get_grad", "grad", "request_key", "take_sens", "value_and_grad"]

TensorBase = _core.TensorBase


class Request:
    """What a derivative was asked for."""

    def __init__(self, reference: Callable, position: Any, weights: Any, has_aux: bool, return_ids: bool, sens_param: bool, value: bool) -> None:
        self._reference, self.position, self.weights = reference, position, weights
        self.has_aux, self.return_ids, self.sens_param, self.value = has_aux, return_ids, sens_param, value
        self.single_position = isinstance(position, int) or (isinstance(position, tuple) and len(position) == 1)
        self.positions = () if position is None else (int(position),) if isinstance(position, int) else tuple(int(p) for p in position)

    @property
    def fn(self) -> Any:
        return self._reference()

    def record(self) -> None:
        """What the list of weights and, where they are part of the result, their names are now is something that the capture read."""
        recorder = active_recorder()
        if recorder is not None:
            recorder.reached(self.weights, "@weights")
            if self.return_ids:
                recorder.names_of(self.weight_list())

    def weight_list(self) -> list:
        """The weights as they are now.

        Raises:
            UserTypeError: neither a Tensor nor a list or tuple of them.
        """
        if self.weights is None:
            return []
        if isinstance(self.weights, TensorBase):
            return [self.weights]
        if isinstance(self.weights, (list, tuple)) and all(isinstance(w, TensorBase) for w in self.weights):
            return list(self.weights)
        raise err.UserTypeError(f"The weights you provided is expected to be a tensor, or a list or tuple. but got {self.weights!r}",
                                hint="pass a Parameter, a ParameterTuple or a list of Parameters, for example net.trainable_params()")


# --------------------------------------------------------------------------------------------------------------------
# One derivative, inside a capture
# --------------------------------------------------------------------------------------------------------------------
def _traced(request: Request, args: tuple, kwargs: dict) -> Any:
    """The result of a derivative's call, traced into the current frame."""
    request.record()
    if request.position is not None and not request.positions:
        raise err.GradError("grad_position should not be empty when grad by position!",
                            hint="name at least one position, or use grad_position=None with weights")
    weights = request.weight_list()
    sens = NO_SENS
    if request.sens_param:
        sens, args, kwargs = take_sens(request.fn, args, kwargs)
    bind_or_raise(request.fn, args, kwargs)
    inputs = by_position(args, kwargs)
    for position in request.positions:
        if position >= len(inputs):
            raise err.PositionError(f"Position index {position} is exceed input size.",
                                    hint=f"{name_of(request.fn)} was called with {len(inputs)} arguments, so positions are 0 to {len(inputs) - 1}")
    done = differentiate(request.fn, args, kwargs, [inputs[p] for p in request.positions], weights, request.has_aux, sens)
    gradient = _arrange(request, done, weights)
    if request.value:
        return done.output, gradient
    if request.has_aux:
        return gradient, tuple(done.output[1:])
    return gradient


def take_sens(fn: Any, args: tuple, kwargs: dict) -> tuple[Any, tuple, dict]:
    """The cotangent of a call: the keyword ``sens``, else the last positional argument."""
    if "sens" in kwargs:
        rest = dict(kwargs)
        return rest.pop("sens"), args, rest
    if args:
        return args[-1], args[:-1], kwargs
    raise err.UserTypeError(f"{name_of(fn)}: with sens_param=True the cotangent is the last positional argument, or the keyword 'sens'")


def by_position(args: tuple, kwargs: dict) -> list:
    """The arguments as they are written in the call, as ``("arg", i)`` or ``("kw", name)``. (So has MindSpore it, and so the order of keywords counts.)"""
    return [("arg", i) for i in range(len(args))] + [("kw", name) for name in kwargs]


def _arrange(request: Request, done: Derived, weights: list) -> Any:
    """The gradients in the structure that was asked for."""
    parts = []
    if request.position is not None:
        found = list(zip(request.positions, done.inputs))
        if not request.single_position:
            # What is not differentiable leaves a tuple of positions; one that is left stands alone.
            kept = [(p, g) for p, g in found if g is not None]
            entries = [(p, g) if request.return_ids else g for p, g in kept]
            parts.append(entries[0] if len(entries) == 1 else tuple(entries))
        else:
            position, gradient = found[0]
            parts.append(() if gradient is None else (position, gradient) if request.return_ids else gradient)
    if request.weights is not None:
        entries = [(getattr(w, "name", None), g) if request.return_ids else g for w, g in zip(weights, done.weights)]
        parts.append(entries[0] if isinstance(request.weights, TensorBase) else tuple(entries))
    return parts[0] if len(parts) == 1 else tuple(parts)


def request_key(position: Any, weights: Any, *flags: bool) -> tuple:
    """What tells the derivatives of one function apart. The program keeps its weights, so their ids stay theirs."""
    if isinstance(weights, (list, tuple)):
        return position, type(position), tuple(map(id, weights)), flags
    return position, type(position), id(weights), flags


def deferred(fn: Any, key: tuple, make: Callable) -> Callable:
    """A function whose program, that of ``fn`` under ``key``, is made at its first call; it has MindSpore's name."""
    program: Compiled | None = None

    def found() -> Compiled:
        nonlocal program
        if program is None:
            check_callable(fn)
            program = shared(fn, key, make)
        return program

    def after_grad(*args: Any, **kwargs: Any) -> Any:
        return (program or found())(*args, **kwargs)

    def compiled() -> Compiled:
        """The compiled function behind it, with ``.mlir()``, ``.asm()`` and ``.timings()``.

        Raises:
            ValueError: it was not called yet.
        """
        if program is None:
            raise ValueError("after_grad has not been compiled yet: call it once")
        return program

    after_grad.compiled = compiled  # type: ignore[attr-defined]
    after_grad.explain = lambda *args, **kwargs: found().explain(*args, **kwargs)  # type: ignore[attr-defined]
    after_grad.saved = lambda *args, **kwargs: found().saved(*args, **kwargs)  # type: ignore[attr-defined]
    after_grad.lower = lambda *args, **kwargs: found().lower(*args, **kwargs)  # type: ignore[attr-defined]
    return after_grad


def _derivative(fn: Any, *options: Any) -> Callable:
    """The function that computes it, compiled at its first call; ``options`` are those of ``Request``."""

    def make(reference: Callable) -> Compiled:
        request = Request(reference, *options)

        def traced(*args: Any, **kwargs: Any) -> Any:
            return _traced(request, args, kwargs)

        return Compiled(reference, traced, AS_WRITTEN, traced)

    return deferred(fn, request_key(*options), make)


# --------------------------------------------------------------------------------------------------------------------
# Public
# --------------------------------------------------------------------------------------------------------------------
def value_and_grad(fn: Any, grad_position: Any = 0, weights: Any = None, has_aux: bool = False, return_ids: bool = False,
                   sens_param: bool = False) -> Callable:
    """A function that computes ``fn`` and its gradients.

    Every Tensor that ``fn`` returns contributes, with a cotangent of ones; with ``has_aux`` only the first output.

    Args:
        fn: a Cell or a function.
        grad_position: which inputs: an int, a tuple of ints, or None. An int or a tuple of one gives a bare gradient, a longer tuple a tuple. An input that is
            not differentiable (a number, a string, a container that is not ``mutable``) gives ``()``, and in a tuple of positions nothing.
        weights: which Parameters: one Parameter gives a bare gradient, a list, tuple or ParameterTuple a tuple. What ``fn`` does not use has gradient 0.
        has_aux: ``fn`` returns a tuple, of which the first is differentiated and the others are passed on.
        return_ids: every gradient becomes ``(id, gradient)``, id the position or the Parameter's name; see ``get_grad``.
        sens_param: the cotangent is given as the last argument of the call, or as ``sens=``.

    Returns:
        A function with the arguments of ``fn`` that returns ``(output, gradients)``: gradients of inputs, of weights, or the pair of both.
        A gradient has the dtype and shape of what it belongs to, integers included.

    Raises:
        ValueError: neither position nor weights; a negative or doubled position. At the call: ``has_aux`` with fewer than two outputs.
        TypeError: an argument of another type. At the call: ``fn`` is not callable, or weights are not Parameters.
        RuntimeError: at the call: a position beyond the arguments, an empty tuple of positions.

    Examples:
        >>> output, gradient = value_and_grad(lambda x, y: x * y, grad_position=1)(Tensor([1.0, 2.0]), Tensor([3.0, 4.0]))
        >>> print(output, gradient)
        [3. 8.] [1. 2.]
    """
    return _requested(fn, grad_position, weights, has_aux, return_ids, sens_param, value=True)


def grad(fn: Any, grad_position: Any = 0, weights: Any = None, has_aux: bool = False, return_ids: bool = False, sens_param: bool = False) -> Callable:
    """A function that computes the gradients of ``fn``; arguments and errors as for ``value_and_grad``.

    Returns:
        A function that returns the gradients; with ``has_aux`` the pair of gradients and the tuple of the other outputs.

    Examples:
        >>> print(grad(lambda x: x * x * x)(Tensor([1.0, 2.0])))
        [ 3. 12.]
    """
    return _requested(fn, grad_position, weights, has_aux, return_ids, sens_param, value=False)


def _requested(fn: Any, position: Any, weights: Any, has_aux: bool, return_ids: bool, sens_param: bool, value: bool) -> Callable:
    if position is None and weights is None:
        raise err.UserValueError("`grad_position` and `weight` can not be None at the same time.")
    check_position(position)
    for name, flag in (("has_aux", has_aux), ("return_ids", return_ids), ("sens_param", sens_param)):
        check_flag(name, flag)
    return _derivative(fn, position, weights, has_aux, return_ids, sens_param, value)


def get_grad(gradients: Any, identifier: Any) -> Any:
    """The gradient of one position or Parameter among those that ``return_ids=True`` gave.

    Args:
        gradients: what ``grad`` or ``value_and_grad`` returned with ``return_ids=True``.
        identifier: a position or a Parameter.

    Raises:
        TypeError: the identifier is neither int nor Parameter.
        RuntimeError: there is no such gradient.
    """
    from ..common.parameter import Parameter

    if isinstance(identifier, Parameter):
        wanted: Any = identifier.name
    elif isinstance(identifier, int) and not isinstance(identifier, bool):
        wanted = identifier
    else:
        raise err.UserTypeError(f"For `get_grad`, the `x` should be an integer or a Parameter, but got {identifier}")

    def search(tree: Any) -> Any:
        if not isinstance(tree, tuple):
            return NO_SENS
        if len(tree) == 2 and type(tree[0]) in (int, str):
            return tree[1] if type(tree[0]) is type(wanted) and tree[0] == wanted else NO_SENS
        for item in tree:
            found = search(item)
            if found is not NO_SENS:
                return found
        return NO_SENS

    found = search(gradients)
    if found is NO_SENS:
        raise err.GradError(f"Can not find the gradient for position or Parameter {identifier}",
                            hint="the gradients come from value_and_grad(..., return_ids=True), with this position or Parameter among the requested ones")
    return found
