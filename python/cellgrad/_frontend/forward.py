"""Forward-mode products: ``jvp`` and ``linearize``."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import _errors as err
from .._runtime import _core
from . import trace
from .checks import check_callable, check_flag
from .derive import Differentiable
from .dispatch import as_tensor, cast
from .halves import WHOLE, Halves
from .jit import AS_WRITTEN, Compiled, primal_program, shared
from .structure import tensor_leaves

__all__ = ["as_inputs", "jvp", "linearize", "split_aux"]

TensorBase = _core.TensorBase


def split_aux(output: Any, has_aux: bool) -> tuple[Any, Any]:
    """What is differentiated, and what is passed on."""
    if not has_aux:
        return output, None
    return output[0], output[1] if len(output) == 2 else tuple(output[1:])


def as_inputs(name: str, value: Any) -> tuple:
    """The arguments of ``fn``: a Tensor alone, or a tuple or list of Tensors and containers of them.

    Raises:
        UserTypeError: something else.
    """
    if isinstance(value, TensorBase):
        return (value,)
    if not isinstance(value, (tuple, list)) or not all(isinstance(item, (TensorBase, tuple, list, dict)) for item in value):
        wrong = next((item for item in value if not isinstance(item, (TensorBase, tuple, list, dict))), value) if isinstance(value, (tuple, list)) else value
        raise err.UserTypeError(f"For '{name}', the 'inputs' should be a Tensor or a tuple of Tensors, but got {type(wrong).__name__}",
                                hint="close over what is not differentiated: lambda x: fn(x, 3)")
    return tuple(value)


def _directions(name: str, point: tuple, v: Any) -> dict[int, Any]:
    """The tangent of every Tensor of the point, by its number.

    Raises:
        UserTypeError, UserValueError: ``v`` does not have the structure or the shapes of the point.
    """
    v = (v,) if isinstance(v, TensorBase) else v
    if not isinstance(v, (tuple, list)):
        raise err.UserTypeError(f"For '{name}', the 'v' should be a Tensor or a tuple of Tensors, but got {type(v).__name__}")
    if len(v) != len(point):
        raise err.UserValueError(f"For '{name}', v has invalid length: should be {len(point)}, but got {len(v)}")
    found: dict[int, Any] = {}

    def visit(what: str, x: Any, t: Any) -> None:
        if isinstance(x, TensorBase):
            if not isinstance(t, (TensorBase, int, float)):
                raise err.UserTypeError(f"For '{name}', the 'v' of {what} should be a Tensor, but got {type(t).__name__}")
            t = as_tensor(t)
            if t.shape != x.shape:
                raise err.UserValueError(f"For '{name}', the 'v' of {what} has shape {t.shape}, but the input has shape {x.shape}")
            found[len(found)] = cast(t, x.dtype)
        elif isinstance(x, (tuple, list, dict)):
            same = isinstance(t, dict) == isinstance(x, dict) and isinstance(t, (tuple, list, dict)) and len(t) == len(x)
            if not same or isinstance(x, dict) and list(t) != list(x):
                raise err.UserValueError(f"For '{name}', the 'v' of {what} should have the structure of the input")
            for key in x if isinstance(x, dict) else range(len(x)):
                visit(f"{what}[{key!r}]", x[key], t[key])

    for i, (x, t) in enumerate(zip(point, v)):
        visit(f"input {i}", x, t)
    return found


def jvp(fn: Any, inputs: Any, v: Any, has_aux: bool = False) -> tuple:
    """The output of ``fn`` at ``inputs`` and its derivative in the direction ``v``, by forward mode.

    Args:
        fn: a Cell or a function.
        inputs: a Tensor or a tuple of the arguments: Tensors, and tuples, lists and dicts of them.
        v: of the structure and shapes of ``inputs``; cast to their dtypes.
        has_aux: ``fn`` returns a tuple, of which the first is differentiated and the others are passed on.

    Returns:
        ``(output, tangent)``, with ``has_aux`` ``(output, tangent, aux)``.

    Raises:
        TypeError: ``fn`` is not callable, or inputs are not Tensors.
        ValueError: ``v`` does not fit ``inputs``; ``has_aux`` with fewer than two outputs.

    Examples:
        >>> x, y, v = Tensor([1.0, 2.0]), Tensor([3.0, 4.0]), Tensor([1.0, 10.0])
        >>> print(*ms.jvp(lambda x, y: x * y, (x, y), (v, v)))
        [3. 8.] [ 4. 60.]
    """
    check_callable(fn)
    check_flag("has_aux", has_aux)
    point = as_inputs("jvp", inputs)

    def make(reference: Any) -> Compiled:
        def run(point: tuple, v: Any) -> tuple:
            tangents = _directions("jvp", point, v)
            output, tangent = Differentiable(reference(), point, {}, has_aux).push(tangents)
            output, aux = split_aux(output, has_aux)
            return (output, tangent, aux) if has_aux else (output, tangent)

        return Compiled(reference, run, AS_WRITTEN, run)

    return shared(fn, ("jvp", has_aux), make)(point, v)


def linearize(fn: Any, inputs: Any) -> tuple:
    """The output of ``fn`` at ``inputs`` and its linearisation there, a function from tangents to the output's tangent.

    Args:
        fn: a Cell or a function.
        inputs: as for ``jvp``.

    Returns:
        ``(output, linear)``. ``linear(v)`` or, with several inputs, ``linear(v1, v2)`` or ``linear((v1, v2))``, is the tangent of the output. It starts from
        values that the forward part has kept. (A function with a loop of unknown length is computed again at each call, and so is any where
        ``linear`` is called while a program is captured.)

    Raises:
        TypeError: ``fn`` is not callable, or inputs are not Tensors.
        ValueError: at the call of ``linear``: tangents do not fit the inputs.

    Examples:
        >>> output, push = ops.linearize(lambda x: x * x, Tensor([1.0, 2.0]))
        >>> print(output, push(Tensor([1.0, 10.0])))
        [1. 4.] [ 2. 40.]
    """
    check_callable(fn)
    point = as_inputs("linearize", inputs)
    traced: Differentiable | None = None
    later: Callable | None = None
    if trace.capturing():
        traced = Differentiable(fn, point, {}, containers=True, repeated=True)
        output = traced.derive([], []).output
    else:
        output, later = _in_halves(fn, point)

    def linear(*tangents: Any) -> Any:
        alone = tangents[0] if len(tangents) == 1 else None
        v = alone if isinstance(alone, (tuple, list)) and len(alone) == len(point) else tangents
        directions = _directions("linearize", point, v)
        if later is not None and not trace.capturing():
            return later(directions)
        here = Differentiable(fn, point, {}, containers=True, repeated=True) if traced is None else traced
        return here.quiet.push(directions, finish=False)[1]

    return output, linear


def _in_halves(fn: Any, point: tuple) -> tuple:
    """The output now, from one program, and a function that runs the other."""

    def make(reference: Any) -> Compiled:
        def run(late: Callable, *args: Any) -> tuple:
            tangents = {i: late(leaf) for i, leaf in enumerate(tensor_leaves(args))}
            return Differentiable(reference(), args, {}, containers=True).push(tangents)

        return Halves(reference, run)

    def again(reference: Any) -> Compiled:
        def run(args: tuple, tangents: list) -> Any:
            return Differentiable(reference(), args, {}, containers=True, repeated=True).quiet.push(dict(enumerate(tangents)), finish=False)[1]

        return Compiled(reference, run, AS_WRITTEN, run)

    found = shared(fn, "linearize", make)(*point)
    if found is WHOLE:
        return primal_program(fn)(*point), lambda directions: shared(fn, "linearize again", again)(point, list(directions.values()))
    output, later, keep, residuals = found
    return output, lambda directions: later(keep, residuals, list(directions.values()))
