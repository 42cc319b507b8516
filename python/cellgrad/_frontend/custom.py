"""``custom_vjp`` and ``custom_jvp``: functions with a derivative written by hand."""
from __future__ import annotations

import inspect
from collections.abc import Callable
from types import MethodType
from typing import Any

from .. import _errors as err
from .._runtime import _core
from . import rules, trace
from .checks import check_callable
from .convert import call
from .hooks import active_recorder
from .jit import name_of
from .structure import map_leaves

__all__ = ["custom_jvp", "custom_vjp"]

TensorBase = _core.TensorBase


class _Custom:
    """A function and its rule; called like the function."""

    def __init__(self, fn: Callable, nondiff_argnums: tuple = ()) -> None:
        check_callable(fn)
        numbers = (nondiff_argnums,) if isinstance(nondiff_argnums, int) else tuple(nondiff_argnums)
        if not all(isinstance(n, int) and n >= 0 for n in numbers):
            raise err.UserTypeError(f"{type(self).__name__}: nondiff_argnums should be positions of arguments, ints of 0 and above, but got {nondiff_argnums!r}")
        self.fn, self.nondiff = fn, tuple(sorted(set(numbers)))
        self._rule: tuple | None = None
        self.__wrapped__ = fn
        for attribute in ("__name__", "__qualname__", "__doc__", "__module__"):
            if hasattr(fn, attribute):
                setattr(self, attribute, getattr(fn, attribute))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {name_of(self.fn)}>"

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        # As for a function: of an object it is a method, whose first argument is the object.
        return self if instance is None else MethodType(self, instance)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        recorder = active_recorder()
        if recorder is not None:
            recorder.attribute(self, "_rule", self._rule)
            rules.reached(self.fn, *(self._rule or ()))
        if not rules.applies(self):
            return call(self.fn, *args, **kwargs) if trace.capturing() else self.fn(*args, **kwargs)
        if self._rule is None:
            raise err.GradError(f"{type(self).__name__} of {name_of(self.fn)} has no rule yet", hint=self._missing)
        return self._differentiated(self._bound(args, kwargs))

    _missing = ""

    def _plain(self, *args: Any) -> Any:
        return call(self.fn, *args)

    def _bound(self, args: tuple, kwargs: dict) -> tuple:
        try:
            signature = inspect.signature(self.fn)
        except (TypeError, ValueError):
            signature = None
        if signature is not None:
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            args, kwargs = bound.args, bound.kwargs
        if kwargs:
            raise err.UnsupportedError(f"{name_of(self.fn)}: a function with a rule of its own takes arguments by position, not the keyword '{next(iter(kwargs))}'",
                                       hint="make it a positional parameter")
        if self.nondiff and self.nondiff[-1] >= len(args):
            raise err.PositionError(f"{name_of(self.fn)}: nondiff_argnums names argument {self.nondiff[-1]}, but the call has {len(args)}")
        return args

    def _split(self, args: tuple) -> tuple[tuple, tuple]:
        """Arguments that are not differentiated, and those that are."""
        return tuple(args[i] for i in self.nondiff), tuple(a for i, a in enumerate(args) if i not in self.nondiff)

    def _joined(self, fixed: tuple, moving: tuple) -> tuple:
        rest = iter(moving)
        kept = iter(fixed)
        return tuple(next(kept) if i in self.nondiff else next(rest) for i in range(len(fixed) + len(moving)))

    def _differentiated(self, args: tuple) -> Any:
        raise NotImplementedError


class custom_vjp(_Custom):
    """A function whose reverse-mode derivative is given.

    With ``defvjp(fwd, bwd)``: ``fwd(*args)`` returns ``(output, residuals)``; ``bwd(*nondiff, residuals, cotangent)`` returns a tuple with one gradient per
    differentiated argument, ``None`` for zeros. With ``defbwd(bwd)``: ``bwd(*args, output, cotangent)`` returns a tuple with one gradient per argument, like
    ``bprop`` of a Cell. Forward mode transposes the rule; higher orders differentiate ``fwd`` and ``bwd``. What the function closes over has gradient 0.

    Args:
        fn: a function of Tensors and nested containers of them.
        nondiff_argnums: positions of arguments that are not differentiated; ``bwd`` gets them first.

    Raises:
        TypeError: ``fn`` is not callable, or ``nondiff_argnums`` are not positions.
        RuntimeError: at a derivative: no rule was given, or it returned another number, shape or dtype of gradients.

    Examples:
        >>> @ms.custom_vjp
        ... def clipped(x):
        ...     return x * x
        >>> def forward(x):
        ...     return clipped(x), x
        >>> def backward(x, cotangent):
        ...     return (ops.clip_by_value(2 * x * cotangent, -1.0, 1.0),)
        >>> clipped.defvjp(forward, backward)
        >>> print(ms.grad(clipped)(Tensor([0.25, 3.0])))
        [0.5 1. ]
    """

    _missing = "give it with defvjp(fwd, bwd), or with defbwd(bwd)"

    def __new__(cls, fn: Any = None, nondiff_argnums: Any = ()) -> Any:
        if fn is None:
            return lambda function: cls(function, nondiff_argnums)
        return super().__new__(cls)

    def defvjp(self, fwd: Callable, bwd: Callable) -> None:
        """Gives the rule: ``fwd`` computes the output and what ``bwd`` needs, ``bwd`` the gradients."""
        check_callable(fwd)
        check_callable(bwd)
        self._rule = (fwd, bwd)

    def defbwd(self, bwd: Callable) -> Callable:
        """Gives the rule as a function of the arguments, the output and its cotangent; can decorate it."""
        check_callable(bwd)
        self._rule = (bwd,)
        return bwd

    def _differentiated(self, args: tuple) -> Any:
        assert self._rule is not None
        bwd = self._rule[-1]
        rule = rules.make_rule("vjp", self.fn, bwd)
        name = name_of(self.fn)
        if len(self._rule) == 1:
            def direct(inputs: tuple, out: Any, dout: Any) -> tuple[tuple, dict]:
                return rules.one_per_input(rule, call(bwd, *inputs, out, _cotangent(dout)), len(inputs))

            return rules.call_with_vjp(self._plain, args, direct, rule, self, name)
        with rules.own_rule(self):
            pair = call(self._rule[0], *args)
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise rules.make_rule("fwd", self.fn, self._rule[0]).error("should return the pair of the output and the residuals",
                                                                       "return (output, residuals), with () for no residuals")
        # The output and the residuals are ordinary values of the program around it, so that higher orders differentiate them; the function that has the rule
        # only passes the output on.
        fixed, moving = self._split(args)
        count = len(moving)

        def passed(*inside: Any) -> Any:
            return inside[-2]

        def through(inside: tuple, out: Any, dout: Any) -> tuple[tuple, dict]:
            given = call(bwd, *inside[:len(fixed)], inside[-1], _cotangent(dout))
            gradients, of_parameters = rules.one_per_input(rule, given, count)
            return (*(None for _ in fixed), *gradients, None, None), of_parameters

        return rules.call_with_vjp(passed, (*fixed, *moving, *pair), through, rule, self, name)


class custom_jvp(_Custom):
    """A function whose forward-mode derivative is given; reverse mode transposes it.

    With ``defjvp(rule)``: ``rule(*nondiff, primals, tangents)`` gets two tuples with one entry per differentiated argument and returns ``(output, tangent)``. It must
    be linear in the tangents. With ``defjvps(*rules)``: one ``rule(tangent, output, *primals)`` per argument, whose results are summed; ``None`` for zero.

    Args:
        fn: a function of Tensors and nested containers of them.
        nondiff_argnums: positions of arguments that are not differentiated; the rule gets them first.

    Raises:
        TypeError: ``fn`` is not callable, or ``nondiff_argnums`` are not positions.
        RuntimeError: at a derivative: no rule was given, or it returned another structure, shape or dtype.

    Examples:
        >>> @ms.custom_jvp
        ... def log1pexp(x):
        ...     return ops.log(1 + ops.exp(x))
        >>> @log1pexp.defjvp
        ... def rule(primals, tangents):
        ...     (x,), (t,) = primals, tangents
        ...     return log1pexp(x), (1 - 1 / (1 + ops.exp(x))) * t
        >>> print(ms.grad(log1pexp)(Tensor([0.0, 100.0])))
        [0.5 1. ]
    """

    _missing = "give it with defjvp(rule)"

    def __new__(cls, fn: Any = None, nondiff_argnums: Any = ()) -> Any:
        if fn is None:
            return lambda function: cls(function, nondiff_argnums)
        return super().__new__(cls)

    def defjvp(self, rule: Callable) -> Callable:
        """Gives the rule; can decorate it."""
        check_callable(rule)
        self._rule = (rule,)
        return rule

    def defjvps(self, *each: Callable | None) -> None:
        """Gives one rule per differentiated argument; their results are summed."""
        def rule(*given: Any) -> tuple:
            *fixed, primals, tangents = given
            output = self(*self._joined(tuple(fixed), primals))
            parts = [call(r, t, output, *primals) for r, t in zip(each, tangents, strict=True) if r is not None]
            return output, sum(parts[1:], parts[0]) if parts else None

        rule.__name__ = f"{name_of(self.fn)}_jvp"
        self._rule = (rule, *(r for r in each if r is not None))

    def _differentiated(self, args: tuple) -> Any:
        assert self._rule is not None
        given = self._rule[0]
        rule = rules.make_rule("jvp", self.fn, given)

        def push(inputs: tuple, tangents: tuple) -> tuple:
            fixed, primals = self._split(inputs)
            _, moving = self._split(tuple(_cotangent(t) for t in tangents))
            found = call(given, *fixed, primals, moving)
            if not isinstance(found, tuple) or len(found) != 2:
                raise rule.error("should return the pair of the output and its tangent", "return (output, tangent)")
            return found

        return rules.call_with_jvp(self._plain, args, push, rule, self, name_of(self.fn))


def _cotangent(tree: Any) -> Any:
    """Cotangents or tangents in the structure of values: what is no Tensor has none."""
    return map_leaves(lambda leaf: leaf if isinstance(leaf, TensorBase) else None, tree)
