"""Functions that bring their own derivative: how a rule is traced, checked and named on the function.

A rule is traced in a child frame of the open frame of its function, so that what it reads from outside becomes an argument of the function; the attribute
``cell.custom_vjp`` (``cell.custom_jvp``) names it and says what each of its operands is.
"""
from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .. import _errors as err
from .._runtime import _core
from ..common.parameter import Parameter
from . import trace
from .convert import invoke
from .dispatch import full
from .hooks import active_recorder
from .jit import name_of
from .locations import function_position
from .structure import map_leaves, tensor_leaves

__all__ = ["call_cell_with_bprop", "call_with_jvp", "call_with_vjp", "differentiating", "own_rule", "reached"]

TensorBase = _core.TensorBase


def differentiating() -> bool:
    """Whether what is captured now is going to be differentiated."""
    capture = trace.current_capture()
    return capture is not None and capture.differentiating > 0


@contextmanager
def own_rule(owner: Any) -> Iterator[None]:
    """While a rule of ``owner`` is traced, which may call ``owner`` itself."""
    rules = trace.current_frame().capture.rules
    rules[id(owner)] = rules.get(id(owner), 0) + 1
    try:
        yield
    finally:
        rules[id(owner)] -= 1


def applies(owner: Any) -> bool:
    """Whether a call of ``owner`` takes its rule: under n derivatives it does in n - 1 rules within each other, in the n-th nothing is left to differentiate."""
    capture = trace.current_capture()
    return capture is not None and capture.rules.get(id(owner), 0) < capture.differentiating


def reached(*functions: Any) -> None:
    """What these functions read is read by the program."""
    recorder = active_recorder()
    if recorder is not None:
        for function in functions:
            recorder.reached(function)


class _Rule:
    """A derivative rule: what it is called in messages, where it was defined, whose it is."""

    def __init__(self, label: str, function: Any) -> None:
        self.label, self.position = label, function_position(function)

    def error(self, message: str, hint: str) -> Exception:
        return err.GradError(f"{self.label} {message}", hint=hint, position=self.position)

    def fitted(self, what: str, given: Any, like: Any, found: list) -> None:
        """Appends the Tensors that ``given`` has for those of ``like``, in order; ``None`` stands for zeros.

        Raises:
            GradError: another structure, shape or dtype.
        """
        if isinstance(like, TensorBase):
            found.append(self._tensor(what, given, like))
        elif isinstance(like, dict):
            if given is not None and (not isinstance(given, dict) or list(given) != list(like)):
                raise self.error(f"should return for {what} a dict with the keys {list(like)}, but returned {_what(given)}", "give one entry per entry of the input")
            for key, value in like.items():
                self.fitted(f"{what}[{key!r}]", None if given is None else given[key], value, found)
        elif isinstance(like, (tuple, list)):
            if given is not None and (not isinstance(given, (tuple, list)) or len(given) != len(like)):
                raise self.error(f"should return for {what} a {type(like).__name__} of length {len(like)}, but returned {_what(given)}",
                                 "give one entry per entry of the input")
            for i, value in enumerate(like):
                self.fitted(f"{what}[{i}]", None if given is None else given[i], value, found)

    def _tensor(self, what: str, given: Any, like: Any) -> Any:
        if given is None or isinstance(given, (tuple, list)) and not given:
            return None
        if isinstance(given, (int, float)) and not isinstance(given, bool):
            return full(like.shape, given, like.dtype)
        if not isinstance(given, TensorBase):
            raise self.error(f"should return for {what} a Tensor, but returned {_what(given)}", "return None where nothing is to pass")
        if given.shape != like.shape:
            raise self.error(f"returned for {what} a Tensor of shape {given.shape}, but it has shape {like.shape}", "reduce or reshape it to that shape")
        if given.dtype is not like.dtype:
            raise self.error(f"returned for {what} a Tensor of dtype {given.dtype}, but it has dtype {like.dtype}", f"cast it with ops.cast(..., {like.dtype})")
        return given


def _what(value: Any) -> str:
    if isinstance(value, (tuple, list, dict)):
        return f"a {type(value).__name__} of length {len(value)}"
    return "None" if value is None else f"a {type(value).__name__}"


def _numbers(rule: _Rule, frame: trace.Frame, traced: trace.Traced, results: list, outputs: int, linear: int) -> list[int]:
    """What each operand of a traced rule is: an argument of the function by its number, then a result, then a linear operand.

    The rule was traced with all Tensor arguments of the function, ``outputs`` results of it and ``linear`` cotangents or tangents, in this order; what it read besides
    follows, as values of the function's frame.
    """
    if traced.writes:
        raise rule.error("assigns a Parameter, which a derivative rule cannot do", "assign it in the function itself")
    inputs = len(traced.outer) - outputs - linear
    lifted = [frame.value(tensor) for tensor in traced.frame.lifted]  # may append arguments
    place = {value: frame.count + j for j, value in enumerate(results)} | {value: k for k, value in enumerate(frame.entries)}
    found = list(range(inputs)) + [frame.count + j for j in range(outputs)]
    found += [frame.count + (len(results) if outputs else 0) + j for j in range(linear)]
    for value, tensor in zip(lifted, traced.frame.lifted):
        if value not in place:
            raise rule.error(f"reads a Tensor of shape {tensor.shape} that the function computed",
                             "compute it again from the inputs or the output, or return it as a residual: custom_vjp has fwd and bwd for that")
        found.append(place[value])
    return found


def call_with_vjp(primal: Callable, args: tuple, bwd: Callable, rule: _Rule, owner: Any, name: str) -> Any:
    """Calls ``primal(*args)`` as a function whose reverse rule is ``bwd``.

    ``bwd(args, output, cotangent)`` runs with everything as Tensors of the rule's frame; it returns per argument its gradient, structured like it, and a dict of
    gradients of Parameters.
    """

    def finishing(frame: trace.Frame, inside: tuple, kwargs: dict, output: Any, results: list) -> None:
        gradients: list[int] = []
        outputs = len(tensor_leaves(output))

        def traced(inputs: tuple, out: Any, dout: Any) -> tuple:
            given, of_parameters = bwd(inputs, out, dout)
            found: list = []
            for i, (gradient, like) in enumerate(zip(given, inputs)):
                rule.fitted(f"input {i}", gradient, like, found)
            gradients.extend(k for k, g in enumerate(found) if g is not None)
            tensors = [g for g in found if g is not None]
            for parameter, gradient in of_parameters.items():
                checked: list = []
                rule.fitted(f"Parameter '{parameter.name}'", gradient, parameter, checked)
                if checked[0] is not None and id(parameter) in frame.arguments:
                    gradients.append(frame.arguments[id(parameter)])
                    tensors.append(checked[0])
            return tuple(tensors)

        with own_rule(owner):
            made = trace.trace_function(traced, (inside, output, output), {}, f"{name}.bprop")
        frame.function.set_attribute("cell.custom_vjp_operands", _numbers(rule, frame, made, results, outputs, outputs))
        frame.function.set_attribute("cell.custom_vjp_gradients", gradients)
        frame.function.set_attribute("cell.custom_vjp", made.frame.function)

    return trace.trace_function(primal, args, {}, name, finishing=finishing, opaque=True).call()


def call_with_jvp(primal: Callable, args: tuple, push: Callable, rule: _Rule, owner: Any, name: str) -> Any:
    """Calls ``primal(*args)`` as a function whose forward rule is ``push``: ``push(args, tangents)`` returns the output and its tangent."""

    def finishing(frame: trace.Frame, inside: tuple, kwargs: dict, output: Any, results: list) -> None:
        leaves = tensor_leaves(output)

        def traced(inputs: tuple, tangents: tuple) -> tuple:
            value, tangent = push(inputs, tangents)
            same: list = []
            rule.fitted("the output", value, output, same)
            found: list = []
            rule.fitted("the tangent", tangent, output, found)
            found += [None] * (len(results) - len(leaves))
            return tuple(full(tuple(v.shape), 0, trace.from_mlir(v.dtype)) if t is None else t for t, v in zip(found, results))

        with own_rule(owner):
            made = trace.trace_function(traced, (inside, inside), {}, f"{name}.jvp")
        linear = len(tensor_leaves(inside))
        frame.function.set_attribute("cell.custom_jvp_operands", _numbers(rule, frame, made, results, 0, linear))
        frame.function.set_attribute("cell.custom_jvp", made.frame.function)

    return trace.trace_function(primal, args, {}, name, finishing=finishing, opaque=True).call()


# --------------------------------------------------------------------------------------------------------------------
# bprop of a Cell
# --------------------------------------------------------------------------------------------------------------------
def one_per_input(rule: _Rule, given: Any, count: int) -> tuple[tuple, dict]:
    """What a rule returned, as one gradient per input and gradients of Parameters.

    Raises:
        GradError: it is no tuple, or of another length.
    """
    of_parameters: dict = {}
    if isinstance(given, tuple) and len(given) == 2 and isinstance(given[1], dict) and given[1] and all(isinstance(k, Parameter) for k in given[1]):
        given, of_parameters = given
    if count == 1 and (given is None or isinstance(given, TensorBase)):
        given = (given,)
    if not isinstance(given, (tuple, list)):
        raise rule.error(f"should return a tuple with one gradient per input, but returned {_what(given)}", f"return a tuple of {count}")
    if len(given) != count:
        raise rule.error(f"should return one gradient per input: {count} are needed, but it returned {len(given)}",
                         "return None for an input that is not differentiable")
    return tuple(given), of_parameters


def call_cell_with_bprop(cell: Any, args: tuple, kwargs: dict) -> Any:
    """A call of a Cell that defines ``bprop``, in a program that is differentiated."""
    construct, bprop = cell.construct, cell.bprop
    name = type(cell).__name__
    bound = inspect.signature(construct).bind(*args, **kwargs)
    if bound.kwargs:
        raise err.UnsupportedError(f"{name}.bprop gets its inputs by position, but {name} was called with the keyword argument '{next(iter(bound.kwargs))}'",
                                   hint="make it a positional parameter of construct")
    rule = _Rule(f"{name}.bprop", bprop)

    def bwd(inputs: tuple, out: Any, dout: Any) -> tuple[tuple, dict]:
        cotangent = map_leaves(lambda leaf: leaf if isinstance(leaf, TensorBase) else None, dout)
        return one_per_input(rule, invoke(bprop, (*inputs, out, cotangent), {}), len(inputs))

    return call_with_vjp(lambda *a: invoke(construct, a, {}), bound.args, bwd, rule, cell, name)


def make_rule(what: str, fn: Any, function: Any) -> _Rule:
    """The rule ``function`` of ``fn``, named in messages as what it is."""
    return _Rule(f"{name_of(function)}, the {what} rule of {name_of(fn)},", function)
