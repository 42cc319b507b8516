"""Forward-mode products: ``jvp`` and ``linearize``.

The product J v comes from reverse mode alone: u -> J^T u is linear, and the vector-Jacobian product of that function with the cotangent v is
J v (J. Townsend, "A new trick for calculating Jacobian vector products", 2017). What the forward half of the inner function computes and nothing needs is removed
as dead code.
"""
from __future__ import annotations

from typing import Any

from .. import _errors as err
from .._runtime import _core
from .checks import check_callable, check_flag
from .derive import Differentiable, differentiate
from .dispatch import full
from .jit import AS_WRITTEN, Compiled, primal_program, shared
from .structure import map_leaves, tensor_leaves

__all__ = ["Push", "jvp", "linearize", "split_aux"]

TensorBase = _core.TensorBase


def split_aux(output: Any, has_aux: bool) -> tuple[Any, Any]:
    """What is differentiated, and what is passed on."""
    if not has_aux:
        return output, None
    return output[0], output[1] if len(output) == 2 else tuple(output[1:])


class Push:
    """``fn`` at a point, and its linearisation there: tangents of the inputs at ``positions``, flat, to tangents of the output."""

    def __init__(self, fn: Any, args: tuple, positions: tuple, has_aux: bool) -> None:
        wanted = [("arg", p) for p in positions]

        def pull(*cotangents: Any) -> tuple:
            done = differentiate(fn, args, {}, wanted, [], has_aux, cotangents)
            return tuple(leaf for g in done.inputs for leaf in tensor_leaves(g))

        done = Differentiable(fn, args, {}, has_aux)
        self.output, self.aux = split_aux(done.derive([], []).output, has_aux)
        leaves = tensor_leaves(self.output)
        self.pull = Differentiable(pull, tuple(full(leaf.shape, 0, leaf.dtype) for leaf in leaves), {})
        self.wanted = [("arg", i) for i in range(len(leaves))]

    def __call__(self, tangents: tuple) -> Any:
        found = iter(self.pull.derive(self.wanted, [], tangents, finish=False).inputs)
        return map_leaves(lambda leaf: next(found) if isinstance(leaf, TensorBase) else None, self.output)


def as_tuple(name: str, what: str, value: Any) -> tuple:
    """A Tensor or several as a tuple.

    Raises:
        UserTypeError: something in it is no Tensor.
    """
    value = tuple(value) if isinstance(value, (tuple, list)) else (value,)
    for item in value:
        if not isinstance(item, TensorBase):
            raise err.UserTypeError(f"For '{name}', the '{what}' should be a Tensor or a tuple of Tensors, but got {type(item).__name__}")
    return value


def jvp(fn: Any, inputs: Any, v: Any, has_aux: bool = False) -> tuple:
    """The output of ``fn`` at ``inputs`` and its derivative in the direction ``v``.

    Args:
        fn: a Cell or a function.
        inputs: a Tensor or a tuple of Tensors.
        v: of the structure, shapes and dtypes of ``inputs``.
        has_aux: ``fn`` returns a tuple, of which the first is differentiated and the others are passed on.

    Returns:
        ``(output, tangent)``, with ``has_aux`` ``(output, tangent, aux)``.

    Raises:
        TypeError: ``fn`` is not callable, or inputs are not Tensors.
        ValueError: ``v`` does not fit ``inputs``.

    Examples:
        >>> x, y, v = Tensor([1.0, 2.0]), Tensor([3.0, 4.0]), Tensor([1.0, 10.0])
        >>> print(*ms.jvp(lambda x, y: x * y, (x, y), (v, v)))
        [3. 8.] [ 4. 60.]
    """
    check_callable(fn)
    check_flag("has_aux", has_aux)
    inputs, v = as_tuple("jvp", "inputs", inputs), as_tuple("jvp", "v", v)
    if len(inputs) != len(v):
        raise err.UserValueError(f"For 'jvp', v has invalid length: should be {len(inputs)}, but got {len(v)}")

    def make(reference: Any) -> Compiled:
        def run(point: tuple, tangents: tuple) -> tuple:
            push = Push(reference(), point, tuple(range(len(point))), has_aux)
            result = (push.output, push(tangents))
            return (*result, push.aux) if has_aux else result

        return Compiled(reference, run, AS_WRITTEN, run)

    return shared(fn, ("jvp", has_aux), make)(inputs, v)


def linearize(fn: Any, inputs: Any) -> tuple:
    """The output of ``fn`` at ``inputs`` and its linearisation there, a function from tangents to the output's tangent.

    Raises:
        TypeError: ``fn`` is not callable, or inputs are not Tensors.

    Examples:
        >>> output, push = ops.linearize(lambda x: x * x, Tensor([1.0, 2.0]))
        >>> print(output, push(Tensor([1.0, 10.0])))
        [1. 4.] [ 2. 40.]
    """
    check_callable(fn)
    point = as_tuple("linearize", "inputs", inputs)
    output = primal_program(fn)(*point)

    def linear(*tangents: Any) -> Any:
        return jvp(fn, point, tangents[0] if len(tangents) == 1 else tangents)[1]

    return output, linear
