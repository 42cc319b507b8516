"""``vjp``: vector-Jacobian products of a function at a point."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._runtime import _core
from . import trace
from .checks import check_callable, check_flag
from .derive import Derived, Differentiable, as_cotangents
from .halves import WHOLE, Halves
from .jit import AS_WRITTEN, Compiled, name_of, primal_program, shared
from .structure import tensor_leaves
from .transforms import Request, request_key

__all__ = ["vjp"]


def vjp(fn: Any, *inputs: Any, weights: Any = None, has_aux: bool = False) -> tuple:
    """The output of ``fn`` and a function from cotangents to vector-Jacobian products.

    Args:
        fn: a Cell or a function.
        inputs: its arguments; the Tensors in containers among them are differentiated too.
        weights: Parameters whose products are wanted too.
        has_aux: ``fn`` returns a tuple, of which the first is differentiated and the others are passed on.

    Returns:
        ``(output, vjp_fn)``, with ``has_aux`` ``(output, vjp_fn, aux)``. ``vjp_fn(*cotangents)``, one per output, returns a tuple with one product per input, with
        weights the pair of that and the products of the weights. It starts from values that the forward part has kept, so it can be called often and gives the
        products at the point as it was. (A function with a loop of unknown length is computed again at each call; so is any
        function where ``vjp_fn`` is called while a program is captured.)

    Raises:
        TypeError: ``fn`` is not callable.
        ValueError: ``has_aux`` with fewer than two outputs; at the call of ``vjp_fn``: cotangents that do not fit the output.

    Examples:
        >>> output, pull = ms.vjp(lambda x, y: x * y, Tensor([1.0, 2.0]), Tensor([3.0, 4.0]))
        >>> print(output, *pull(Tensor([1.0, 10.0])))
        [3. 8.] [ 3. 40.] [ 1. 20.]
    """
    check_callable(fn)
    check_flag("has_aux", has_aux)
    wanted = [("arg", i) for i in range(len(inputs))]

    def products(request: Request, done: Derived) -> tuple:
        found = tuple(() if g is None else g for g in done.inputs)
        if weights is None:
            return found
        return found, done.weights[0] if isinstance(weights, _core.TensorBase) else tuple(done.weights)

    traced: Differentiable | None = None
    later: Callable | None = None
    if trace.capturing():
        traced = Differentiable(fn, inputs, {}, has_aux, containers=True, repeated=True)
        output = traced.derive([], []).output
    else:
        output, later = _in_halves(fn, inputs, weights, has_aux, wanted, products)

    def vjp_fn(*cotangents: Any) -> tuple:
        if later is not None and not trace.capturing():
            return later(_alone(cotangents))
        request = Request(lambda: fn, None, weights, has_aux, False, True, False)
        request.record()
        point = Differentiable(fn, inputs, {}, has_aux, containers=True, repeated=True) if traced is None else traced
        return products(request, point.quiet.derive(wanted, request.weight_list(), _alone(cotangents), finish=False))

    if not has_aux:
        return output, vjp_fn
    aux = output[1:]
    return output[0], vjp_fn, aux[0] if len(aux) == 1 else aux


def _alone(values: tuple) -> Any:
    return values[0] if len(values) == 1 else values


def _in_halves(fn: Any, inputs: tuple, weights: Any, has_aux: bool, wanted: list, products: Callable) -> tuple:
    """The output now, from one program, and a function that runs the other."""

    def make(reference: Callable) -> Compiled:
        request = Request(reference, None, weights, has_aux, False, True, False)

        def run(late: Callable, *args: Any) -> tuple:
            request.record()
            traced = Differentiable(request.fn, args, {}, has_aux, containers=True)
            done = traced.derive(wanted, request.weight_list(), [late(leaf) for leaf in traced.outputs])
            return done.output, products(request, done)

        return Halves(reference, run)

    key = ("vjp", request_key(None, weights, has_aux))
    found = shared(fn, key, make)(*inputs)
    output, later, keep, residuals = found if found is not WHOLE else (primal_program(fn)(*inputs), None, (), ())
    leaves = tensor_leaves(output[0] if has_aux else output)

    def again(reference: Callable) -> Compiled:
        request = Request(reference, None, weights, has_aux, False, True, False)

        def whole(args: tuple, cotangents: list) -> tuple:
            request.record()
            traced = Differentiable(request.fn, args, {}, has_aux, containers=True, repeated=True)
            return products(request, traced.quiet.derive(wanted, request.weight_list(), cotangents, finish=False))

        return Compiled(reference, whole, AS_WRITTEN, whole)

    def pull(cotangents: Any) -> tuple:
        given = as_cotangents(name_of(fn), cotangents, leaves)
        if later is not None:
            return later(keep, residuals, given)
        return shared(fn, (*key, "again"), again)(inputs, given)

    return output, pull
