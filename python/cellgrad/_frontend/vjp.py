"""``vjp``: vector-Jacobian products of a function at a point."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._runtime import _core
from .checks import check_aux, check_callable, check_flag
from .derive import differentiate
from .jit import AS_WRITTEN, Compiled, primal_program, shared
from .transforms import Request, request_key

__all__ = ["vjp"]


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
        ValueError: at the call of ``vjp_fn``: cotangents that do not fit the output.

    Examples:
        >>> output, pull = ms.vjp(lambda x, y: x * y, Tensor([1.0, 2.0]), Tensor([3.0, 4.0]))
        >>> print(output, *pull(Tensor([1.0, 10.0])))
        [3. 8.] [ 3. 40.] [ 1. 20.]
    """
    check_callable(fn)
    check_flag("has_aux", has_aux)
    output = primal_program(fn)(*inputs)
    aux: tuple = ()
    if has_aux:
        check_aux(output)
        output, aux = output[0], output[1:]

    def make(reference: Callable) -> Compiled:
        request = Request(reference, None, weights, has_aux, False, True, False)

        def pull(*args: Any) -> Any:
            request.record()
            *arguments, sens = args
            wanted = [("arg", i) for i in range(len(arguments))]
            done = differentiate(request.fn, tuple(arguments), {}, wanted, request.weight_list(), has_aux, sens)
            products = tuple(() if g is None else g for g in done.inputs)
            if weights is None:
                return products
            return products, done.weights[0] if isinstance(weights, _core.TensorBase) else tuple(done.weights)

        return Compiled(reference, pull, AS_WRITTEN, pull)

    def vjp_fn(*cotangents: Any) -> Any:
        program = shared(fn, ("vjp", request_key(None, weights, has_aux)), make)
        return program(*inputs, cotangents[0] if len(cotangents) == 1 else cotangents)

    if has_aux:
        return output, vjp_fn, aux[0] if len(aux) == 1 else aux
    return output, vjp_fn
