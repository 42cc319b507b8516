"""Jacobians and Hessians: ``jacfwd``, ``jacrev``, ``hessian``.

A Jacobian is one product for all unit directions at once: the forward-mode (reverse-mode) product of the function, batched over the rows of an identity.
"""
from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from .. import _errors as err
from .._runtime import _core
from .._runtime import dtype as dt
from .checks import check_callable, check_flag, check_position
from .derive import Differentiable
from .dispatch import cast, dispatch, full
from .forward import split_aux
from .jit import AS_WRITTEN, Compiled, bind_or_raise, shared
from .structure import map_leaves, plain_containers, tensor_leaves
from .vmap import vmap

__all__ = ["hessian", "jacfwd", "jacrev"]

TensorBase = _core.TensorBase


def _units(like: Any) -> Any:
    """The unit Tensors of a shape, stacked in front."""
    count = math.prod(like.shape)
    shape = {"shape": (count, count), "dtype": dt.int64}
    same = dispatch("iota", (), {**shape, "axis": 0}) == dispatch("iota", (), {**shape, "axis": 1})
    return dispatch("reshape", (cast(same, like.dtype),), {"shape": (count, *like.shape)})


def _for_each_unit(like: Any, product: Callable) -> list:
    """``product`` of every unit Tensor of the shape of ``like``, batched: its results, each with the units' axis in front."""
    if not math.prod(like.shape):
        return [full((0, *row.shape), 0, row.dtype) for row in product(full(like.shape, 0, like.dtype))]
    return list(vmap(lambda t: tuple(product(t)))(_units(like)))


def _jacobian(name: str, fn: Any, position: Any, has_aux: bool, body: Callable) -> Callable:
    if position is None:
        raise err.UserTypeError(f"For '{name}', the 'grad_position' must be int or tuple.")
    check_position(position)
    check_flag("has_aux", has_aux)
    positions = (position,) if isinstance(position, int) else position
    single = len(positions) == 1

    def make(reference: Callable) -> Compiled:
        def run(*args: Any) -> Any:
            bind_or_raise(reference(), args, {})
            for p in positions:
                if p >= len(args):
                    raise err.PositionError(f"Position index {p} is exceed input size.", hint=f"the call has {len(args)} arguments")
            output, aux, found = body(Differentiable(reference(), args, {}, has_aux, containers=True, repeated=True), args, positions, has_aux)
            places = iter(range(len(tensor_leaves(output))))

            def of_output(leaf: Any) -> Any:
                if not isinstance(leaf, TensorBase):
                    return ()
                place = next(places)
                parts = tuple(found(place, leaf, p) for p in positions)  # each in the structure of the input
                return parts[0] if single else parts

            jacobian = map_leaves(of_output, output)
            return (jacobian, aux) if has_aux else jacobian

        return Compiled(reference, run, AS_WRITTEN, run)

    def jacobian(*args: Any) -> Any:
        check_callable(fn)
        return shared(fn, (name, position, has_aux), make)(*args)

    return jacobian


def _forward(done: Differentiable, args: tuple, positions: tuple, has_aux: bool) -> tuple:
    output, aux = split_aux(done.derive([], []).output, has_aux)
    columns: dict[int, list] = {}
    for position in positions:
        for number, x in zip(done.spans["arg", position], tensor_leaves(args[position])):
            columns[number] = _for_each_unit(x, lambda t, number=number: tensor_leaves(done.quiet.push({number: t}, finish=False)[1]))

    def found(place: int, leaf: Any, position: int) -> Any:
        numbers = iter(done.spans["arg", position])

        def one(x: Any) -> Any:
            if not isinstance(x, TensorBase):
                return ()
            stacked = columns[next(numbers)][place]
            moved = dispatch("transpose", (stacked,), {"permutation": (*range(1, len(stacked.shape)), 0)}) if leaf.shape else stacked
            return dispatch("reshape", (moved,), {"shape": leaf.shape + x.shape})

        return plain_containers(one, args[position])

    return output, aux, found


def _reverse(done: Differentiable, args: tuple, positions: tuple, has_aux: bool) -> tuple:
    output, aux = split_aux(done.derive([], []).output, has_aux)
    leaves = tensor_leaves(output)
    wanted = [("arg", p) for p in positions]
    rows: list = []
    for place, leaf in enumerate(leaves):
        def products(t: Any, place: int = place) -> list:
            return tensor_leaves(done.quiet.derive(wanted, [], t, finish=False, places=[place]).inputs)

        rows.append(iter(_for_each_unit(leaf, products)))

    def found(place: int, leaf: Any, position: int) -> Any:
        def one(x: Any) -> Any:
            if not isinstance(x, TensorBase):
                return ()
            return dispatch("reshape", (next(rows[place]),), {"shape": leaf.shape + x.shape})

        return plain_containers(one, args[position])

    return output, aux, found


def jacrev(fn: Any, grad_position: Any = 0, has_aux: bool = False) -> Callable:
    """A function that computes the Jacobian of ``fn`` by reverse mode: good where the output is small.

    Args:
        fn: a Cell or a function.
        grad_position: which inputs: an int or a tuple of ints. Tensors in containers are differentiated too.
        has_aux: ``fn`` returns a tuple, of which the first is differentiated and the others are passed on.

    Returns:
        A function that returns a Tensor of shape ``output.shape + input.shape``, of the input's dtype. For a tuple of positions a tuple of them; for an input that is a
        container, that structure of them; for a function of several outputs, the structure of the output of all that. With ``has_aux`` the pair of that and the
        other outputs.

    Raises:
        TypeError: ``grad_position`` is no int or tuple of ints, ``has_aux`` no bool.
        ValueError: a negative or doubled position.
        RuntimeError: at the call: a position beyond the arguments.

    Examples:
        >>> print(ms.jacrev(lambda x, y: x * y)(Tensor([1.0, 2.0]), Tensor([3.0, 4.0])))
        [[3. 0.]
         [0. 4.]]
    """
    return _jacobian("jacrev", fn, grad_position, has_aux, _reverse)


def jacfwd(fn: Any, grad_position: Any = 0, has_aux: bool = False) -> Callable:
    """A function that computes the Jacobian of ``fn`` by forward mode: good where the inputs are small. Arguments, result and errors as for ``jacrev``, but the
    Jacobian has the output's dtype.

    Examples:
        >>> print(ms.jacfwd(lambda x, y: x * y, (0, 1))(Tensor([1.0, 2.0]), Tensor([3.0, 4.0]))[1])
        [[1. 0.]
         [0. 2.]]
    """
    return _jacobian("jacfwd", fn, grad_position, has_aux, _forward)


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
        TypeError, ValueError, RuntimeError: as for ``jacrev``.

    Examples:
        >>> print(ms.hessian(lambda x: (x ** 3).sum())(Tensor([1.0, 2.0])))
        [[ 6.  0.]
         [ 0. 12.]]
    """
    return jacfwd(jacrev(fn, grad_position, has_aux), grad_position, has_aux)
