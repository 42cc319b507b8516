"""``value_and_grad``, ``grad``, ``get_grad`` and ``vjp``.

A derivative is a function of its own frame with one ``cell.value_and_grad`` (or ``cell.vjp``) of the differentiated function. Called from plain
Python it is a compiled program; called while capturing it is a part of that program, so that derivatives nest.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import _errors as err
from .._runtime import _core
from .checks import check_aux, check_callable, check_flag, check_position
from .derive import NO_SENS, Derived, differentiate
from .guards import active_recorder
from .jit import AS_WRITTEN, Compiled, bind_or_raise, is_cell, name_of, primal_program, shared

__all__ = ["GradOperation", "get_grad", "grad", "value_and_grad", "vjp", "vmap"]

TensorBase = _core.TensorBase


class _Request:
    """What a derivative was asked for."""

    def __init__(self, reference: Callable, position: Any, weights: Any, has_aux: bool, return_ids: bool, sens_param: bool, value: bool) -> None:
        self._reference, self.position, self.weights = reference, position, weights
        self.has_aux, self.return_ids, self.sens_param, self.value = has_aux, return_ids, sens_param, value
        self.single_position = isinstance(position, int) or (isinstance(position, tuple) and len(position) == 1)
        self.positions = () if position is None else (int(position),) if isinstance(position, int) else tuple(int(p) for p in position)

    @property
    def fn(self) -> Any:
        return self._reference()

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
def _traced(request: _Request, args: tuple, kwargs: dict) -> Any:
    """The result of a derivative's call, traced into the current frame."""
    recorder = active_recorder()
    if recorder is not None:
        recorder.reached(request.weights, "@weights")
        if request.return_ids:
            recorder.names_of(request.weight_list())
    if request.position is not None and not request.positions:
        raise err.GradError("grad_position should not be empty when grad by position!",
                            hint="name at least one position, or use grad_position=None with weights")
    weights = request.weight_list()
    sens = NO_SENS
    if request.sens_param:
        sens, args, kwargs = _take_sens(request.fn, args, kwargs)
    bind_or_raise(request.fn, args, kwargs)
    inputs = _by_position(args, kwargs)
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


def _take_sens(fn: Any, args: tuple, kwargs: dict) -> tuple[Any, tuple, dict]:
    """The cotangent of a call: the keyword ``sens``, else the last positional argument."""
    if "sens" in kwargs:
        rest = dict(kwargs)
        return rest.pop("sens"), args, rest
    if args:
        return args[-1], args[:-1], kwargs
    raise err.UserTypeError(f"{name_of(fn)}: with sens_param=True the cotangent is the last positional argument, or the keyword 'sens'")


def _by_position(args: tuple, kwargs: dict) -> list:
    """The arguments as they are written in the call, as ``("arg", i)`` or ``("kw", name)``. (So has MindSpore it, and so the order of keywords counts.)"""
    return [("arg", i) for i in range(len(args))] + [("kw", name) for name in kwargs]


def _arrange(request: _Request, done: Derived, weights: list) -> Any:
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


def _key(position: Any, weights: Any, *flags: bool) -> tuple:
    """What tells the derivatives of one function apart. The program keeps its weights, so their ids stay theirs."""
    if isinstance(weights, (list, tuple)):
        return position, type(position), tuple(map(id, weights)), flags
    return position, type(position), id(weights), flags


def _derivative(fn: Any, *options: Any) -> Callable:
    """The function that computes it, compiled at its first call; ``options`` are those of ``_Request``."""
    program: Compiled | None = None

    def make(reference: Callable) -> Compiled:
        request = _Request(reference, *options)

        def traced(*args: Any, **kwargs: Any) -> Any:
            return _traced(request, args, kwargs)

        return Compiled(reference, traced, AS_WRITTEN, traced)

    def after_grad(*args: Any, **kwargs: Any) -> Any:
        nonlocal program
        if program is None:
            check_callable(fn)
            program = shared(fn, _key(*options), make)
        return program(*args, **kwargs)

    def compiled() -> Compiled:
        """The compiled function behind it, with ``.mlir()``, ``.asm()`` and ``.timings()``.

        Raises:
            ValueError: it was not called yet.
        """
        if program is None:
            raise ValueError("after_grad has not been compiled yet: call it once")
        return program

    after_grad.compiled = compiled  # type: ignore[attr-defined]
    return after_grad


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


def grad(fn: Any, grad_position: Any = 0, weights: Any = None, has_aux: bool = False, return_ids: bool = False) -> Callable:
    """A function that computes the gradients of ``fn``; arguments and errors as for ``value_and_grad``.

    Returns:
        A function that returns the gradients; with ``has_aux`` the pair of gradients and the tuple of the other outputs.
    """
    return _requested(fn, grad_position, weights, has_aux, return_ids, False, value=False)


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


def vjp(fn: Any, *inputs: Any, weights: Any = None, has_aux: bool = False) -> tuple:
    """The output of ``fn`` and a function from cotangents to vector-Jacobian products.

    Args:
        fn: a Cell or a function.
        inputs: its arguments.
        weights: Parameters whose products are wanted too.
        has_aux: ``fn`` returns a tuple, of which the first is differentiated and the others are passed on.

    Returns:
        ``(output, vjp_fn)``, with ``has_aux`` ``(output, vjp_fn, aux)``. ``vjp_fn(*cotangents)``, one per output, returns a tuple with one product per input, with
        weights the pair of that and the products of the weights. It computes the forward part again.

    Raises:
        TypeError: ``fn`` is not callable.
    """
    check_callable(fn)
    check_flag("has_aux", has_aux)
    output = primal_program(fn)(*inputs)
    aux: tuple = ()
    if has_aux:
        check_aux(output)
        output, aux = output[0], output[1:]

    def make(reference: Callable) -> Compiled:
        request = _Request(reference, None, weights, has_aux, False, True, False)

        def pull(*args: Any) -> Any:
            *arguments, sens = args
            wanted = [("arg", i) for i in range(len(arguments))]
            done = differentiate(request.fn, tuple(arguments), {}, wanted, request.weight_list(), has_aux, sens)
            products = tuple(() if g is None else g for g in done.inputs)
            if weights is None:
                return products
            return products, done.weights[0] if isinstance(weights, TensorBase) else tuple(done.weights)

        return Compiled(reference, pull, AS_WRITTEN, pull)

    def vjp_fn(*cotangents: Any) -> Any:
        program = shared(fn, ("vjp", _key(None, weights, has_aux)), make)
        return program(*inputs, cotangents[0] if len(cotangents) == 1 else cotangents)

    if has_aux:
        return output, vjp_fn, aux[0] if len(aux) == 1 else aux
    return output, vjp_fn


class GradOperation:
    """Makes gradient functions, MindSpore's older interface.

    Args:
        get_all: gradients of all inputs, as a tuple; else of the first.
        get_by_list: gradients of the Parameters given with the function.
        sens_param: the cotangent is the last argument of the call.

    Raises:
        TypeError: an argument that is not a bool.
    """

    def __init__(self, get_all: bool = False, get_by_list: bool = False, sens_param: bool = False) -> None:
        for name, flag in (("get_all", get_all), ("get_by_list", get_by_list), ("sens_param", sens_param)):
            if not isinstance(flag, bool):
                raise err.UserTypeError(f"For 'GradOperation', the '{name}' should be bool, but got {type(flag).__name__}")
        self.get_all, self.get_by_list, self.sens_param = get_all, get_by_list, sens_param

    def __call__(self, fn: Any, weights: Any = None) -> Callable:
        """The gradient function of ``fn``; ``weights`` is wanted with ``get_by_list``."""
        check_callable(fn)
        if self.get_by_list and weights is None:
            weights = fn.trainable_params() if is_cell(fn) else ()
        request = _Request(lambda: fn, 0, weights if self.get_by_list else None, False, False, self.sens_param, False)

        def traced(*args: Any, **kwargs: Any) -> Any:
            sens = NO_SENS
            if self.sens_param:
                sens, args, kwargs = _take_sens(fn, args, kwargs)
            inputs = _by_position(args, kwargs)
            if not self.get_all:
                inputs = [] if self.get_by_list else inputs[:1]
            done = differentiate(fn, args, kwargs, inputs, request.weight_list(), False, sens)
            of_inputs = tuple(g for g in done.inputs if g is not None)
            of_weights = done.weights[0] if isinstance(weights, TensorBase) else tuple(done.weights)
            if self.get_by_list:
                return (of_inputs, of_weights) if self.get_all else of_weights
            return of_inputs if self.get_all else of_inputs[0] if of_inputs else ()

        return Compiled(fn, traced, AS_WRITTEN, traced)


def _absent(name: str, instead: str) -> Callable:
    def absent(*args: Any, **kwargs: Any) -> Any:
        raise err.UnsupportedError(f"{name} is not supported", hint=instead)

    absent.__name__ = name
    absent.__doc__ = f"Not supported: {instead}."
    return absent


vmap = _absent("vmap", "write the function for a batch; operations broadcast over leading dimensions")
