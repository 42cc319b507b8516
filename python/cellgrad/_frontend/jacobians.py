"""Jacobians and Hessians: ``jacfwd``, ``jacrev``, ``hessian``. They write out one product per row or column."""
from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import _errors as err
from .._runtime import _core
from .checks import check_callable, check_flag, check_position
from .derive import Differentiable
from .dispatch import as_tensor, cast, dispatch, full
from .forward import Push, split_aux
from .jit import AS_WRITTEN, Compiled, shared
from .structure import map_leaves, tensor_leaves

__all__ = ["hessian", "jacfwd", "jacrev"]

TensorBase = _core.TensorBase
_MOST_PRODUCTS = 256  # rows or columns of one Jacobian


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
        output, aux = split_aux(done.derive([], []).output, has_aux)
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
        push = Push(fn, args, positions, has_aux)
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


def hessian(fn: Any, grad_position: Any = 0, has_aux: bool = False) -> Callable:
    """A function that computes second derivatives of ``fn``: the Jacobian, forward, of the Jacobian, reverse.

    Args:
        fn: a Cell or a function.
        grad_position: which inputs: an int or a tuple of ints.
        has_aux: ``fn`` returns a tuple, of which the first is differentiated and the others are passed on.

    Returns:
        A function that returns a Tensor of shape ``output.shape + input.shape + input.shape``; for a tuple of positions a tuple of tuples, entry ``[i][j]`` by the
        i-th and then the j-th of them. With ``has_aux`` the pair of that and the other outputs.

    Raises:
        TypeError, ValueError: as for ``jacrev``.

    Examples:
        >>> print(ms.hessian(lambda x: (x ** 3).sum())(Tensor([1.0, 2.0])))
        [[ 6.  0.]
         [ 0. 12.]]
    """
    return jacfwd(jacrev(fn, grad_position, has_aux), grad_position, has_aux)
