"""Forward-mode products and Jacobians: ``jvp``, ``linearize``, ``jacfwd``, ``jacrev``.

The product J v comes from reverse mode alone: u -> J^T u is linear, and the vector-Jacobian product of that function with the cotangent v is
J v (J. Townsend, "A new trick for calculating Jacobian vector products", 2017). What the forward half of the inner function computes and nothing needs is removed
as dead code. Jacobians are one product per row or column, written out in the program.
"""
from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import _errors as err
from .._runtime import _core
from .checks import check_callable, check_flag, check_position
from .derive import Differentiable, differentiate
from .dispatch import as_tensor, cast, dispatch, full
from .jit import AS_WRITTEN, Compiled, primal_program, shared
from .structure import map_leaves, tensor_leaves

__all__ = ["jacfwd", "jacrev", "jvp", "linearize"]

TensorBase = _core.TensorBase
_MOST_PRODUCTS = 256  # rows or columns of one Jacobian


def _split(output: Any, has_aux: bool) -> tuple[Any, Any]:
    """What is differentiated, and what is passed on."""
    if not has_aux:
        return output, None
    return output[0], output[1] if len(output) == 2 else tuple(output[1:])


class _Push:
    """``fn`` at a point, and its linearisation there: tangents of the inputs at ``positions`` to tangents of the output."""

    def __init__(self, fn: Any, args: tuple, positions: tuple, has_aux: bool) -> None:
        wanted = [("arg", p) for p in positions]

        def pull(*cotangents: Any) -> tuple:
            done = differentiate(fn, args, {}, wanted, [], has_aux, cotangents)
            return tuple(leaf for g in done.inputs for leaf in tensor_leaves(g))

        done = Differentiable(fn, args, {}, has_aux)
        self.output, self.aux = _split(done.derive([], []).output, has_aux)
        leaves = tensor_leaves(self.output)
        self.pull = Differentiable(pull, tuple(full(leaf.shape, 0, leaf.dtype) for leaf in leaves), {})
        self.wanted = [("arg", i) for i in range(len(leaves))]

    def __call__(self, tangents: tuple) -> Any:
        found = iter(self.pull.derive(self.wanted, [], tangents, finish=False).inputs)
        return map_leaves(lambda leaf: next(found) if isinstance(leaf, TensorBase) else None, self.output)


def _as_tuple(name: str, what: str, value: Any) -> tuple:
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
    """
    check_callable(fn)
    check_flag("has_aux", has_aux)
    inputs, v = _as_tuple("jvp", "inputs", inputs), _as_tuple("jvp", "v", v)
    if len(inputs) != len(v):
        raise err.UserValueError(f"For 'jvp', {len(inputs)} inputs need as many tangents, but got {len(v)}")

    def make(reference: Callable) -> Compiled:
        def run(point: tuple, tangents: tuple) -> tuple:
            push = _Push(reference(), point, tuple(range(len(point))), has_aux)
            result = (push.output, push(tangents))
            return (*result, push.aux) if has_aux else result

        return Compiled(reference, run, AS_WRITTEN, run)

    return shared(fn, ("jvp", has_aux), make)(inputs, v)


def linearize(fn: Any, inputs: Any) -> tuple:
    """The output of ``fn`` at ``inputs`` and its linearisation there, a function from tangents to the output's tangent.

    Raises:
        TypeError: ``fn`` is not callable, or inputs are not Tensors.
    """
    check_callable(fn)
    point = _as_tuple("linearize", "inputs", inputs)
    output = primal_program(fn)(*point)

    def linear(*tangents: Any) -> Any:
        return jvp(fn, point, tangents[0] if len(tangents) == 1 else tangents)[1]

    return output, linear


def _basis(name: str, like: Any) -> list:
    """The unit Tensors of a shape."""
    count = math.prod(like.shape)
    if count > _MOST_PRODUCTS:
        raise err.UnsupportedError(f"{name}: a Jacobian by a Tensor of shape {like.shape} takes {count} products, more than {_MOST_PRODUCTS}",
                                   hint="take the products you need with vjp or jvp")
    unit = np.eye(count, dtype=np.float32).reshape((count, *like.shape))
    return [cast(as_tensor(u), like.dtype) for u in unit]


def _stacked(parts: list, leading: tuple) -> Any:
    """Tensors of one shape as one Tensor of shape ``leading + shape``."""
    shape = parts[0].shape if parts else ()
    rows = [dispatch("reshape", (p,), {"shape": (1, math.prod(shape))}) for p in parts]
    return dispatch("reshape", (dispatch("concat", rows, {"axis": 0}) if len(rows) > 1 else rows[0],), {"shape": leading + shape})


def _jacobian(name: str, fn: Any, position: Any, has_aux: bool, body: Callable) -> Callable:
    if position is None:
        raise err.UserValueError(f"For '{name}', the 'grad_position' can not be None.")
    check_position(position)
    check_flag("has_aux", has_aux)
    positions = (position,) if isinstance(position, int) else position

    def make(reference: Callable) -> Compiled:
        def run(*args: Any) -> Any:
            for p in positions:
                if p >= len(args):
                    raise err.PositionError(f"Position index {p} is exceed input size.")
            return body(reference(), args, positions, isinstance(position, int) or len(positions) == 1)

        return Compiled(reference, run, AS_WRITTEN, run)

    def jacobian(*args: Any) -> Any:
        check_callable(fn)
        return shared(fn, (name, position, has_aux), make)(*args)

    return jacobian


def jacrev(fn: Any, grad_position: Any = 0, has_aux: bool = False) -> Callable:
    """A function that computes the Jacobian of ``fn`` by reverse mode, row by row: good where the output is small.

    Args:
        fn: a Cell or a function.
        grad_position: which inputs: an int or a tuple of ints.
        has_aux: ``fn`` returns a tuple, of which the first is differentiated and the others are passed on.

    Returns:
        A function that returns a Tensor of shape ``output.shape + input.shape``; a tuple of them for a tuple of positions, and of these for a tuple of
        outputs. With ``has_aux`` the pair of that and the other outputs.

    Raises:
        UnsupportedError: at the call: an output of more than 256 elements.
    """

    def body(fn: Any, args: tuple, positions: tuple, single: bool) -> Any:
        done = Differentiable(fn, args, {}, has_aux)
        output, aux = _split(done.derive([], []).output, has_aux)
        leaves = tensor_leaves(output)
        wanted = [("arg", p) for p in positions]

        def of_output(leaf: Any) -> Any:
            rows = []
            for unit in _basis("jacrev", leaf):
                sens = [unit if other is leaf else full(other.shape, 0, other.dtype) for other in leaves]
                rows.append(done.derive(wanted, [], sens, finish=False).inputs)
            parts = tuple(() if rows[0][i] is None else _stacked([row[i] for row in rows], leaf.shape) for i in range(len(positions)))
            return parts[0] if single else parts

        jacobian = map_leaves(lambda leaf: of_output(leaf) if isinstance(leaf, TensorBase) else (), output)
        return (jacobian, aux) if has_aux else jacobian

    return _jacobian("jacrev", fn, grad_position, has_aux, body)


def jacfwd(fn: Any, grad_position: Any = 0, has_aux: bool = False) -> Callable:
    """A function that computes the Jacobian of ``fn`` column by column: good where the inputs are small. Arguments and result as for ``jacrev``.

    Raises:
        UnsupportedError: at the call: an input of more than 256 elements.
    """

    def body(fn: Any, args: tuple, positions: tuple, single: bool) -> Any:
        push = _Push(fn, args, positions, has_aux)
        columns: list = []
        for place, position in enumerate(positions):
            like = args[position]
            zeros = [full(args[p].shape, 0, args[p].dtype) for p in positions]
            columns.append([push((*zeros[:place], unit, *zeros[place + 1:])) for unit in _basis("jacfwd", like)])

        def of_output(place: int, leaf: Any) -> Any:
            parts = []
            for position, tangents in zip(positions, columns):
                stacked = _stacked([tensor_leaves(t)[place] for t in tangents], (len(tangents),))
                order = (*range(1, len(stacked.shape)), 0)
                parts.append(dispatch("reshape", (dispatch("transpose", (stacked,), {"permutation": order}),), {"shape": leaf.shape + args[position].shape}))
            return parts[0] if single else tuple(parts)

        places = iter(range(len(tensor_leaves(push.output))))
        jacobian = map_leaves(lambda leaf: of_output(next(places), leaf) if isinstance(leaf, TensorBase) else (), push.output)
        return (jacobian, push.aux) if has_aux else jacobian

    return _jacobian("jacfwd", fn, grad_position, has_aux, body)
