"""What converted code calls, as ``__cg__``."""
from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from ... import _errors as err
from ..._runtime import _core
from ..._runtime import dtype as dt
from ..dispatch import cast, logical
from . import calls, loops
from ..regions import condition_value
from .branches import FELL, is_staged, stage_if
from .side_effects import created, effect, regions
from .rewrite import Block
from .variables import UNDEFINED

__all__ = ["Runtime"]

TensorBase = _core.TensorBase
_COMPARISONS: dict[str, Callable] = {
    "Eq": operator.eq, "NotEq": operator.ne, "Lt": operator.lt, "LtE": operator.le, "Gt": operator.gt, "GtE": operator.ge,
    "Is": operator.is_, "IsNot": operator.is_not, "In": lambda a, b: a in b, "NotIn": lambda a, b: a not in b}
_EXPRESSION = Block((), frozenset(), frozenset(), frozenset(), frozenset(), False)
_REWRITE_TEST = "compute with ops.where, or write it as an `if` statement or a `for` loop"


class Runtime:
    """The run-time part of one converted function."""

    FELL, UNDEFINED = FELL, UNDEFINED
    call = staticmethod(calls.call)

    def __init__(self, blocks: list[Block]) -> None:
        self.blocks = blocks

    # -- statements ----------------------------------------------------------------------------------------------------------
    @staticmethod
    def load(read: Callable) -> Any:
        try:
            return read()
        except NameError:
            return UNDEFINED

    @staticmethod
    def go(*flags: Any) -> Any:
        """Whether none of the flags is set."""
        if True in [f is True for f in flags]:
            return False
        unknown = [f for f in flags if isinstance(f, TensorBase)]
        if not unknown:
            return not any(flags)
        result = logical("logical_not", unknown[0])
        for flag in unknown[1:]:
            result = logical("logical_and", result, logical("logical_not", flag))
        return result

    def if_(self, test: Any, then: Callable, orelse: Callable, get: Any, set_: Any, number: int) -> None:
        if is_staged(test):
            stage_if(self.blocks[number], test, then, orelse, get, set_)
        elif test:
            then()
        else:
            orelse()

    def if_return(self, test: Any, then: Callable, orelse: Callable, get: Any, set_: Any, number: int) -> Any:
        block = self.blocks[number]
        if is_staged(test):
            result = stage_if(block, test, then, orelse, get, set_, result=True)
        else:
            result = then() if test else orelse()
        return None if result is FELL and block.top else result

    def while_(self, test: Callable, body: Callable, get: Any, set_: Any, number: int) -> None:
        loops.run_while(test, body, get, set_, self.blocks[number])

    def for_(self, iterable: Any, body: Callable, stop: Any, get: Any, set_: Any, number: int) -> None:
        loops.run_for(iterable, body, stop, get, set_, self.blocks[number])

    def assert_(self, test: Any, message: Any, text: str) -> None:
        if is_staged(test):
            from .. import effects

            effects.assert_(test, str(message(None)) if message is not None else text)
        elif not test:
            raise AssertionError(message(None)) if message is not None else AssertionError

    @staticmethod
    def raised(make: Callable) -> Any:
        """What is raised; in a branch on a Tensor an error, as the program and not the capture decides."""
        if any(not r.trial and r.what == "a branch on a Tensor" for r in regions()):
            kind = make(None)
            name = kind.__name__ if isinstance(kind, type) else type(kind).__name__
            return err.CaptureError(f"`raise {name}` in a branch on a Tensor: exceptions are Python's, and this branch is captured whether the program takes it or not",
                                    hint="write `assert condition, message` (or ops.Assert): the program checks it at every run")
        return make(None)

    @staticmethod
    def caught() -> None:
        """At the head of an except clause: what cannot be captured is not the user's to handle."""
        import sys

        error = sys.exc_info()[1]
        if isinstance(error, err.CaptureError):
            error.add_note("  note: `try` cannot react to it: the values of Tensors are not known while the program is captured")
            raise error

    # -- truth ---------------------------------------------------------------------------------------------------------------
    @staticmethod
    def and_(left: Any, right: Callable, simple: bool) -> Any:
        if not is_staged(left):
            return left and right(None)
        return _both(left, right, simple, "logical_and")

    @staticmethod
    def or_(left: Any, right: Callable, simple: bool) -> Any:
        if not is_staged(left):
            return left or right(None)
        return _both(left, right, simple, "logical_or")

    @staticmethod
    def not_(value: Any) -> Any:
        return logical("logical_not", condition_value(value, "not")) if is_staged(value) else not value

    @staticmethod
    def if_expression(test: Any, then: Callable, orelse: Callable) -> Any:
        if not is_staged(test):
            return then(None) if test else orelse(None)
        return stage_if(_EXPRESSION, test, lambda: then(None), lambda: orelse(None), None, None, result=True)

    @staticmethod
    def chain(names: tuple, left: Any, *rest: Callable) -> Any:
        result: Any = True
        for name, operand in zip(names, rest):
            right = operand(None)
            holds = Runtime.compare(name, left, right)
            if is_staged(result) or (is_staged(holds) and result is not True):
                result = logical("logical_and", result, holds)
            elif result is True or result:
                result = holds
            if not is_staged(result) and not result:
                return result
            left = right
        return result

    @staticmethod
    def compare(name: str, left: Any, right: Any) -> Any:
        if name in ("Is", "IsNot"):
            if isinstance(left, TensorBase) and isinstance(right, TensorBase) and left is not right and (left._node is not None or right._node is not None):
                raise err.CaptureError("`is` asks whether two Tensors are one object; in a captured function that says nothing about the caller's Tensors",
                                       hint="compare values with ==, or decide by a Python argument")
        elif name in ("In", "NotIn"):
            tensor: Any = right
            if isinstance(right, TensorBase):
                found = cast((tensor == left).any(), dt.bool_) if is_staged(right) or is_staged(left) else left in tensor
                return found if name == "In" else Runtime.not_(found)
            if isinstance(right, (list, tuple, set, frozenset, dict)) and any(isinstance(v, TensorBase) and v._node is not None for v in (left, *right)):
                if not any(v is left for v in right):
                    raise err.CaptureError("`in` compares with the elements one by one and needs to know each answer, but Tensors have no values while the program is "
                                           "being captured", hint="put the elements into one Tensor and use (elements == x).any()")
        return _COMPARISONS[name](left, right)

    @staticmethod
    def test(value: Any, what: str) -> Any:
        """A condition that has to be Python's."""
        if is_staged(value):
            raise err.CaptureError(f"{what} is a Tensor, so how many elements there are or what is computed is not known while the program is being captured",
                                   hint=_REWRITE_TEST)
        return value

    # -- side effects of Python ------------------------------------------------------------------------------------------------
    @staticmethod
    def container(value: Any) -> Any:
        """The target of a store or ``del`` by index."""
        if not isinstance(value, TensorBase) and regions():
            effect(f"changing a {type(value).__name__}", "write into a Tensor (x[i] = ...), or assign a variable", value)
        return value

    @staticmethod
    def holder(value: Any, name: str) -> Any:
        """The target of a store or ``del`` by attribute."""
        if regions():
            from ...common.parameter import Parameter

            state = getattr(value, "__dict__", {})
            if not isinstance(state.get(name), Parameter):
                effect(f"assigning the attribute `{name}` of a {type(value).__name__}",
                       "return the value, or make the attribute a Parameter and use ops.assign", value)
        return value

    @staticmethod
    def new(value: Any) -> Any:
        return created(value)


def _both(left: Any, right: Callable, simple: bool, name: str) -> Any:
    """``and``/``or`` with a Tensor on the left: the right side is computed where Python would."""
    flag = condition_value(left, "and" if name == "logical_and" else "or")

    def computed() -> Any:
        value = right(None)
        if left.dtype is dt.bool_ and isinstance(value, TensorBase) and value.dtype is not dt.bool_ and value.size == 1:
            return condition_value(value, "and" if name == "logical_and" else "or")  # beside a comparison only its truth counts
        return value

    if simple:
        value = computed()
        if isinstance(value, bool):
            return (flag if value else value) if name == "logical_and" else (value if value else flag)
        if isinstance(value, TensorBase) and value.dtype is dt.bool_ and left.dtype is dt.bool_ and value.shape == left.shape:
            return logical(name, left, value)
    then, orelse = computed, (lambda: left)
    if name == "logical_or":
        then, orelse = orelse, then
    return stage_if(_EXPRESSION, flag, then, orelse, None, None, result=True)
