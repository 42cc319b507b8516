"""One derivative inside a capture: the function in a frame of its own, and the op that stands for its value and gradients."""
from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from .. import _errors as err
from .._runtime import _core
from ..common.containers import is_mutable
from . import locations, trace
from .checks import check_aux
from .dispatch import as_tensor, broadcast_to, cast, full
from .jit import name_of, run_function
from .structure import map_leaves, plain_containers, tensor_leaves

__all__ = ["NO_SENS", "Derived", "Differentiable", "as_cotangents", "differentiate"]

TensorBase = _core.TensorBase
NO_SENS = object()  # the cotangent is 1 for every element


class Derived:
    """The function's output; per wanted input its gradient (``None``: not differentiable); per weight its gradient."""

    def __init__(self, output: Any, inputs: list, weights: list) -> None:
        self.output, self.inputs, self.weights = output, inputs, weights


class Differentiable:
    """``fn`` traced into a function of its own in the current frame, of which derivatives can be emitted, each a call of it.

    Args:
        has_aux: only the first output is differentiated.
        containers: Tensors in any container are differentiated, else in ``mutable`` ones only.
        repeated: there will be products beside the call of the function: ``quiet`` is for these, a copy without what ``fn`` prints and asserts, where it does.

    Raises:
        UserValueError: ``has_aux`` with fewer than two outputs.
    """

    def __init__(self, fn: Any, args: tuple, kwargs: dict, has_aux: bool = False, containers: bool = False, repeated: bool = False) -> None:
        capture = trace.current_frame().capture
        self.fn, self.args, self.kwargs = fn, args, kwargs
        effects, capture.effects = capture.effects, False
        capture.differentiating += 1
        try:
            self.traced = trace.trace_function(lambda *a, **k: run_function(fn, a, k), args, kwargs, name_of(fn))
        finally:
            capture.differentiating -= 1
            effects, capture.effects = capture.effects, capture.effects or effects
        if has_aux:
            check_aux(self.traced.output)
        primal = self.traced.output[0] if has_aux else self.traced.output
        self.primal = primal
        self.outputs = self.traced.leaves[:len(tensor_leaves(primal))]
        self.spans, self.containers = _spans(args, kwargs), containers
        # As Tensors, so that a frame within the current one can use them; as they are before anything that the function writes.
        parent = trace.current_frame()
        self.operands = [parent.tensor(value) for value in self.traced.operands()]
        self.quiet = self
        if repeated and effects:
            capture.silent, loud = True, capture.silent
            try:
                self.quiet = Differentiable(fn, args, kwargs, has_aux, containers)
            finally:
                capture.silent = loud

    def derive(self, wanted: list, weights: list, sens: Any = NO_SENS, finish: bool = True, places: list[int] | None = None) -> Derived:
        """Emits one derivative.

        Args:
            wanted: inputs, as ``("arg", index)`` or ``("kw", name)``.
            weights: Tensors from outside ``fn``.
            sens: the cotangent, structured like the differentiated output.
            finish: whether what the function writes is written, and its output returned.
            places: numbers of the outputs that ``sens`` is for, of the differentiated ones; all by default.
        """
        parent = trace.current_frame()
        where = locations.location(parent.capture)
        callee = self.traced.frame.function
        operands = [parent.value(t) for t in self.operands]
        values = [self.args[key] if kind == "arg" else self.kwargs[key] for kind, key in wanted]
        inputs = [self.spans[item] if self._moves(value) else None for value, item in zip(values, wanted)]
        of_weights = [self.traced.frame.arguments.get(id(w)) for w in weights]
        numbers = [n for span in inputs if span is not None for n in span] + [n for n in of_weights if n is not None]
        wrt = list(dict.fromkeys(numbers))
        count = len(self.traced.leaves) + len(self.traced.writes)
        places = list(range(len(self.outputs))) if places is None else places
        if not wrt or not places:
            results = parent.function.call(callee, operands, where)
        elif sens is NO_SENS:
            results = parent.function.value_and_grad(callee, operands, wrt, places, where)
        else:
            cotangents = [parent.value(c) for c in as_cotangents(name_of(self.fn), sens, [self.outputs[p] for p in places])]
            results = parent.function.vjp(callee, operands, cotangents, wrt, places, where)
        gradients: dict[int | None, Any] = {number: parent.tensor(value) for number, value in zip(wrt, results[count:])}
        output = self.traced.finish_call(results[:count]) if finish else None

        def gradient(number: int | None, like: Any) -> Any:
            found = gradients.get(number)
            return found if found is not None else full(like.shape, 0, like.dtype)

        given = [None if span is None else _like(value, iter(span), gradient) for value, span in zip(values, inputs)]
        return Derived(output, given, [gradient(number, w) for number, w in zip(of_weights, weights)])


    def push(self, tangents: dict[int, Any], finish: bool = True) -> tuple[Any, Any]:
        """Emits the function with its forward-mode derivative.

        Args:
            tangents: number of a Tensor among those of the arguments -> its tangent, a Tensor of the same shape and dtype.

        Returns:
            The output, and the tangents of its differentiated part in the same structure, ``None`` where that has no Tensor.
        """
        parent = trace.current_frame()
        where = locations.location(parent.capture)
        callee = self.traced.frame.function
        operands = [parent.value(t) for t in self.operands]
        wrt, places = list(tangents), list(range(len(self.outputs)))
        count = len(self.traced.leaves) + len(self.traced.writes)
        if wrt and places:
            results = parent.function.jvp(callee, operands, [parent.value(t) for t in tangents.values()], wrt, places, where)
        else:
            results = parent.function.call(callee, operands, where)
        found = [parent.tensor(value) for value in results[count:]] or [full(leaf.shape, 0, leaf.dtype) for leaf in self.outputs]
        rest = iter(found)
        tangent = map_leaves(lambda leaf: next(rest) if isinstance(leaf, TensorBase) else None, self.primal)
        return self.traced.finish_call(results[:count]) if finish else None, tangent

    def _moves(self, value: Any) -> bool:
        return isinstance(value, TensorBase) or is_mutable(value) or self.containers and isinstance(value, (tuple, list, dict))


def differentiate(fn: Any, args: tuple, kwargs: dict, wanted: list, weights: list, has_aux: bool, sens: Any = NO_SENS) -> Derived:
    """Emits ``fn`` with one derivative into the current frame; arguments as for ``Differentiable`` and its ``derive``."""
    return Differentiable(fn, args, kwargs, has_aux).derive(wanted, weights, sens)


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


def as_cotangents(name: str, sens: Any, leaves: list) -> list:
    """One cotangent per output, of its dtype and shape.

    Raises:
        UserValueError, ShapeError: another number of them, or another shape.
    """
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
