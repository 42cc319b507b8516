"""Loops: Python's where the count is known and short; a loop of the program where a Tensor bounds it, or where it is long and its body allows it."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ... import _errors as err
from ..._runtime import _core
from ..._runtime import dtype as dt
from .. import trace
from ..dispatch import as_tensor, cast, dispatch, is_number, logical, select
from ..loops import stage_for, stage_while
from ..numbers import as_number
from ..regions import Undefined, describe
from .branches import is_staged, stage_if
from .jumps import VALUE
from .side_effects import CannotStage, effect, region, regions
from .rewrite import Block
from .rows import Rows, as_begun, count_of, item_of
from .variables import UNDEFINED, given_up, marked, shapes_of, unmarked

__all__ = ["LONG", "TensorRange", "run_for", "run_while"]

TensorBase = _core.TensorBase
LONG = 16  # from so many iterations on, a loop is kept as a loop


class TensorRange:
    """``range`` with a Tensor among its bounds."""

    def __init__(self, lower: Any, upper: Any, step: Any) -> None:
        self.lower, self.upper, self.step = (self._bound(b) for b in (lower, upper, step))

    @staticmethod
    def _bound(value: Any) -> Any:
        if not isinstance(value, TensorBase):
            return value
        if value.size != 1 or value.dtype.kind not in (dt.SIGNED, dt.UNSIGNED):
            raise err.UserTypeError(f"range: an integer was expected, but got {describe(value)}", hint="cast it with .astype(ms.int64), and reduce it to one element")
        return cast(dispatch("reshape", (value,), {"shape": ()}) if value.shape != () else value, dt.int64)

    def _refuse(self, what: str) -> Exception:
        return err.CaptureError(f"{what} range() needs its length while the program is being captured, but a Tensor decides it",
                                hint="loop over it with `for i in range(n):`; for anything else, make n a Python int (an argument or an attribute)")

    def __iter__(self) -> Any:
        raise self._refuse("a comprehension, list(), zip() or enumerate() over")

    def __len__(self) -> int:
        raise self._refuse("len() of")


class _Again(Exception):
    """The loop is traced once more: what an iteration defines has become known."""


class _Loop:
    """The variables of one staged loop, from iteration to iteration."""

    def __init__(self, block: Block, get: Any, set_: Any, once: bool) -> None:
        self.block, self.get, self.set, self.once = block, get, set_, once
        self.names = block.names
        self.before: dict[str, Any] = dict(zip(self.names, get())) if get is not None else {}
        self.filling: dict[str, Callable] = {}  # first assigned in an iteration: makes a value to begin with, which is never read
        self.carried = [n for n, v in self.before.items() if self.fillable(n) or (v is not UNDEFINED and (n in block.head or n in block.captured)) or n in block.live]

    def fillable(self, name: str) -> bool:
        """Whether a variable without a value is not read before an iteration has set it."""
        return self.before[name] is UNDEFINED and (name == VALUE or (self.once and name in self.block.live))

    def start(self) -> tuple:
        return tuple(self.filling[n]() if n in self.filling else marked(n, self.before[n]) for n in self.carried)

    def enter(self, values: Any) -> None:
        """Sets the variables as an iteration finds them."""
        if self.set is not None:
            found = dict(zip(self.carried, map(unmarked, values)))
            self.set(tuple(found.get(n, UNDEFINED) for n in self.names))

    def leave(self, entered: Any) -> tuple:
        """What an iteration hands on.

        Raises:
            _Again: it has defined something whose dtype and shape were not known before.
        """
        after = dict(zip(self.names, self.get())) if self.get is not None else {}
        for name in self.carried:
            if self.fillable(name) and name not in self.filling and after[name] is not UNDEFINED:
                self.filling[name] = shapes_of(after[name])
                raise _Again
        return tuple(marked(n, after[n]) for n in self.carried)

    def stays_python(self, body: Callable, first: Any) -> None:
        """Runs one iteration as Python would. A number that Python computes and that is read after the loop has to stay one.

        Raises:
            CannotStage: there is such a number.
        """
        numbers = {n: v for n, v in self.before.items() if n in self.block.live and is_number(v)}
        if not numbers:
            return
        seen: dict[str, Any] = {}

        def run() -> None:
            self.set(tuple(self.before.values()))
            body(first)
            seen.update(zip(self.names, self.get()))

        trace.trace_function(run, (), {}, "iteration")
        for name, begin in numbers.items():
            value = seen[name]
            if is_number(value) and not (type(begin) is type(value) and begin == value) and not name.startswith("_cg_"):
                raise CannotStage

    def run(self, emit_loop: Callable[[], Any]) -> None:
        """Emits the loop, and sets the variables as it leaves them.

        Raises:
            CaptureError: one is read afterwards that may have no value.
        """
        for _ in range(2 * len(self.names) + 2):
            try:
                with given_up():
                    found = emit_loop()
                break
            except _Again:
                continue
        for name, value in zip(self.carried, found):
            if isinstance(value, Undefined) and name in self.block.live and name != VALUE:
                raise err.CaptureError(f"`{name}` is first assigned inside this loop and used after it, but the program decides whether the loop runs at all",
                                       hint=f"give `{name}` a value of its dtype and shape before the loop")
        self.enter(found)


def run_while(test: Callable, body: Callable, get: Any, set_: Any, block: Block) -> None:
    """``while``: Python's until a condition is a Tensor."""
    now = test()
    while not is_staged(now):
        if not now:
            return
        body()
        now = test()
    _stage_while(test, body, get, set_, block)


def _stage_while(test: Callable, body: Callable, get: Any, set_: Any, block: Block) -> None:
    loop = _Loop(block, get, set_, False)

    def condition(*values: Any) -> Any:
        loop.enter(values)
        with region("the condition of a loop on a Tensor"):
            return test()

    def iteration(*values: Any) -> tuple:
        loop.enter(values)
        with region("a loop on a Tensor"):
            if block.rebinds:
                test()
            body()
            return loop.leave(values)

    loop.run(lambda: stage_while(condition, iteration, loop.start(), tuple(loop.carried)))
    if block.rebinds:
        test()


def run_for(iterable: Any, body: Callable, stop: Any, get: Any, set_: Any, block: Block) -> None:
    """``for`` over anything; ``stop()`` is the flag that ends it, if it has one."""
    if isinstance(iterable, TensorRange):
        _stage_for((iterable.lower, iterable.upper, iterable.step), lambda i: i, body, stop, get, set_, block)
        return
    iterable = as_begun(iterable)
    if _long(iterable):
        before = get() if get is not None else None
        try:
            _try_staged(iterable, body, stop, get, set_, block)
            return
        except (CannotStage, Exception) as problem:
            if isinstance(problem, err.InternalError):
                raise
            if set_ is not None:
                set_(before)
    if regions() and hasattr(iterable, "__next__") and not isinstance(iterable, Rows):
        effect("drawing from an iterator", "loop over a list or a range", iterable)
    _written_out(iterable, body, stop, get, set_, block)


def _long(iterable: Any) -> bool:
    if not trace.capturing():
        return False
    return (count_of(iterable) or 0) >= LONG


def _written_out(iterable: Any, body: Callable, stop: Any, get: Any, set_: Any, block: Block) -> None:
    for item in iterable:
        if stop is not None:
            ended = stop()
            if is_staged(ended):
                go = logical("logical_not", ended)
                loop_block = Block(block.names, block.head | block.live, block.head, block.captured, block.constants, False)
                stage_if(loop_block, go, lambda: body(item), lambda: None, get, set_)  # noqa: B023  (called at once)
                continue
            if ended:
                return
        body(item)


def _try_staged(iterable: Any, body: Callable, stop: Any, get: Any, set_: Any, block: Block) -> None:
    if isinstance(iterable, range):
        _stage_for((iterable.start, iterable.stop, iterable.step), lambda i: i, body, stop, get, set_, block, iterable[0])
    else:
        _stage_for((0, count_of(iterable), 1), lambda i: item_of(iterable, i), body, stop, get, set_, block, item_of(iterable, 0))
    if block.target in block.live and set_ is not None and stop is None and isinstance(iterable, range):
        values = list(get())
        values[block.names.index(block.target)] = iterable[-1]
        set_(tuple(values))


def _stage_for(bounds: tuple, item: Callable, body: Callable, stop: Any, get: Any, set_: Any, block: Block, example: Any = UNDEFINED) -> None:
    """A loop of the program over ``range(*bounds)``, of which ``item`` makes what the body gets. With an ``example`` it can be written out instead."""
    trial = example is not UNDEFINED
    loop = _Loop(block, get, set_, trial)
    what = "a loop that can be written out" if trial else "a loop on a Tensor"

    def iteration(i: Any, *values: Any) -> tuple:
        loop.enter(values)
        with region(what, trial):
            as_number(i)
            body(item(i))
            return loop.leave(values)

    if trial:
        with region(what, True), given_up():
            loop.stays_python(body, example)
        loop.enter(loop.start())
    names = tuple(loop.carried)
    if stop is None:
        loop.run(lambda: stage_for(bounds, iteration, loop.start(), names))
        return
    lower, upper, step = (as_tensor(b, dt.int64) for b in bounds)
    known = bounds[2] if isinstance(bounds[2], int) else None
    forward = step > 0 if known is None else known > 0

    def going(i: Any, *values: Any) -> Any:
        loop.enter(values)
        more = select(forward, i < upper, i > upper) if known is None else i < upper if forward else i > upper
        ended = stop()
        return logical("logical_and", more, logical("logical_not", ended)) if isinstance(ended, TensorBase) else more if not ended else False

    def advance(i: Any, *values: Any) -> tuple:
        return (i + step, *iteration(i, *values))

    loop.run(lambda: stage_while(going, advance, (lower, *loop.start()), ("the counter", *names))[1:])
