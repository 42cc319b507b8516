"""One derivative inside a capture: the function in a frame of its own, and the op that stands for its value and gradients."""
from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from .. import _errors as err
from .._runtime import _core
from ..common.mutable import is_mutable
from . import locations, trace
from .dispatch import as_tensor, broadcast_to, cast, full
from .jit import name_of, run_function
from .structure import plain_containers, tensor_leaves

__all__ = ["NO_SENS", "Derived", "check_aux", "differentiate"]

TensorBase = _core.TensorBase
NO_SENS = object()  # the cotangent is 1 for every element


class Derived:
    """The function's output; per wanted input its gradient (``None``: not differentiable); per weight its gradient."""

    def __init__(self, output: Any, inputs: list, weights: list) -> None:
        self.output, self.inputs, self.weights = output, inputs, weights


def check_aux(output: Any) -> None:
    """Raises:
    UserValueError: the output is no tuple of two or more.
    """
    if not isinstance(output, tuple) or len(output) < 2:
        raise err.UserValueError("When has_aux is True, origin fn requires more than one outputs.",
                                 hint="return a tuple: what is differentiated first, then the values to pass on")


def differentiate(fn: Any, args: tuple, kwargs: dict, wanted: list, weights: list, has_aux: bool, sens: Any = NO_SENS) -> Derived:
    """Emits ``fn`` with its derivative into the current frame.

    Args:
        wanted: inputs, as ``("arg", index)`` or ``("kw", name)``.
        weights: Tensors from outside ``fn``.
        sens: the cotangent, structured like the differentiated output.
    """
    parent = trace.current_frame()
    capture = parent.capture
    capture.differentiating += 1
    try:
        traced = trace.trace_function(lambda *a, **k: run_function(fn, a, k), args, kwargs, name_of(fn))
    finally:
        capture.differentiating -= 1
    if has_aux:
        check_aux(traced.output)
    outputs = list(range(len(tensor_leaves(traced.output[0] if has_aux else traced.output))))
    spans = _spans(args, kwargs)
    values = [args[key] if kind == "arg" else kwargs[key] for kind, key in wanted]
    inputs = [_positions(value, spans[item]) for value, item in zip(values, wanted)]
    of_weights = [traced.frame.arguments.get(id(w)) for w in weights]
    wrt: list[int] = []
    for number in [n for span in inputs if span is not None for n in span] + [n for n in of_weights if n is not None]:
        if number not in wrt:
            wrt.append(number)
    gradients: dict[int | None, Any] = {}
    operands = traced.operands()
    where = locations.location(capture)
    count = len(traced.leaves) + len(traced.writes)
    if not wrt or not outputs:
        results = parent.function.call(traced.frame.function, operands, where)
    elif sens is NO_SENS:
        results = parent.function.value_and_grad(traced.frame.function, operands, wrt, outputs, where)
    else:
        cotangents = _cotangents(name_of(fn), sens, [traced.leaves[i] for i in outputs])
        results = parent.function.vjp(traced.frame.function, operands, [parent.value(c) for c in cotangents], wrt, outputs, where)
    for number, value in zip(wrt, results[count:]):
        gradients[number] = parent.tensor(value)
    output = traced.finish_call(results[:count])

    def gradient(number: int | None, like: Any) -> Any:
        found = gradients.get(number)
        return found if found is not None else full(like.shape, 0, like.dtype)

    given: list = []
    for value, span in zip(values, inputs):
        if span is None:
            given.append(None)
            continue
        given.append(_like(value, iter(span), gradient))
    return Derived(output, given, [gradient(number, w) for number, w in zip(of_weights, weights)])


def _like(value: Any, numbers: Iterator[int], gradient: Callable) -> Any:
    """The structure of an input with the gradients of its Tensors; what is no Tensor in it leaves ``()``."""
    return plain_containers(lambda leaf: gradient(next(numbers), leaf) if isinstance(leaf, TensorBase) else (), value)


def _spans(args: tuple, kwargs: dict) -> dict[tuple, range]:
    """Which arguments of the traced function the Tensors of each input became."""
    spans: dict[tuple, range] = {}
    start = 0
    for key, value in [(("arg", i), a) for i, a in enumerate(args)] + [(("kw", k), v) for k, v in kwargs.items()]:
        count = len(tensor_leaves(value))
        spans[key] = range(start, start + count)
        start += count
    return spans


def _positions(value: Any, span: range) -> range | None:
    return span if isinstance(value, TensorBase) or is_mutable(value) else None


def _cotangents(name: str, sens: Any, leaves: list) -> list:
    given = list(sens) if isinstance(sens, (tuple, list)) else [sens]
    flat: list = []

    def visit(item: Any) -> None:
        if isinstance(item, (tuple, list)):
            for element in item:
                visit(element)
        elif isinstance(item, dict):
            for element in item.values():
                visit(element)
        else:
            flat.append(as_tensor(item))

    visit(given)
    if len(flat) != len(leaves):
        raise err.UserValueError(f"{name}: {len(leaves)} outputs are differentiated, but {len(flat)} cotangents (sens) were given",
                                 hint="give one Tensor per output, in the structure of the output")
    result = []
    for cotangent, leaf in zip(flat, leaves):
        if cotangent.shape != leaf.shape and cotangent.size != 1:
            raise err.ShapeError(f"{name}: the cotangent (sens) has shape {cotangent.shape}, but the output has shape {leaf.shape}")
        result.append(broadcast_to(cast(cotangent, leaf.dtype), leaf.shape) if cotangent.shape != leaf.shape else cast(cotangent, leaf.dtype))
    return result
