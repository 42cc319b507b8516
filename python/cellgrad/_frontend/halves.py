"""Programs in two halves: what a function computes now, and what follows later from values that are not known yet (cotangents, tangents).

The whole is captured as one program with the late values as arguments, differentiated, and split by what depends on them (``Module.split``). The first half runs as
any compiled function does, cached by its signature and guards, and returns what the second one needs beside its own result.
"""
from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from .. import _errors as err
from .._runtime import _core, device
from . import program, trace
from .jit import AS_WRITTEN, Compiled
from .structure import map_leaves

__all__ = ["WHOLE", "Halves"]

WHOLE = object()  # what a call of Halves returns where the program cannot be split


class _Unsplittable(Exception):
    """A program whose second half needs something of the first one that cannot be kept between them (the tape of a loop), or
    whose first half is part of the second (a loop that computes both)."""


class _Place:
    """Where an element of the later result comes from: an output of the second half, or something that the first one keeps."""

    __slots__ = ("index", "late")

    def __init__(self, late: bool, index: int) -> None:
        self.late, self.index = late, index


class Later:
    """The second half of one program."""

    def __init__(self, executable: Any, template: Any) -> None:
        self.executable, self.template = executable, template

    def __call__(self, keep: tuple, residuals: tuple, late: list) -> Any:
        """The result, from what the first half kept and the late values, one Tensor for each late argument."""
        found = self.executable(*residuals, *late) if self.executable is not None else ()
        found = found if isinstance(found, tuple) else (found,)

        def leaf(item: Any) -> Any:
            if isinstance(item, _Place):
                return found[item.index] if item.late else keep[item.index]
            return item.value if isinstance(item, _core.TemplateRef) else item

        return map_leaves(leaf, self.template)


class Halves(Compiled):
    """``run(late, *args)`` returns the pair of results, now and later; ``late(like)`` gives a traced Tensor like another whose value comes later.

    A call returns ``(now, later, keep, residuals)``; ``later(keep, residuals, values)`` is the rest. It returns ``WHOLE``, without having run anything, where the
    program cannot be split.
    """

    def __init__(self, fn: Any, run: Callable) -> None:
        self._local = threading.local()  # .late: argument number, dtype and shape of what comes later, in the program that this thread captured last

        def capture(*args: Any) -> tuple:
            root = trace.current_frame()
            self._local.late = []

            def late(like: Any) -> Any:
                self._local.late.append((root.count, (like.dtype, like.shape)))
                return root.formal(like)

            return run(late, *args)

        super().__init__(fn, capture, AS_WRITTEN, capture)

    def _compile(self, captured: program.Captured) -> program.Program | None:
        try:
            return self._halves(captured)
        except _Unsplittable:
            captured.template = _core.Const(WHOLE)
            return None

    def _halves(self, captured: program.Captured) -> program.Program | None:
        """Compiles both halves; puts together what the call returns."""
        now, rest = captured.template
        late = [number for number, _ in self._local.late]
        whole = captured.outputs
        free = [i for i, spec in enumerate(whole) if spec[2] < 0]  # an Out counts these
        late_results, specs, executable = [], [], None
        if captured.module is not None and late:
            captured.module, late_results, specs, executable = self._split(captured, late)
        early = [i for i in range(len(whole)) if i not in late_results]
        number = {i: k for k, i in enumerate(i for i in early if i in free)}  # result of the whole -> free result of the first half
        captured.outputs = [(dtype, shape, alias if alias < 0 else alias - sum(a < alias for a in late)) for dtype, shape, alias in (whole[i] for i in early)]
        captured.outputs += [(dtype, shape, -1) for dtype, shape in specs]
        keep: list = []

        def in_first(item: Any) -> Any:
            if isinstance(item, _core.TemplateRef) and item.kind == "Out" and free[item.index] in late_results:
                raise _Unsplittable  # one loop computes what is wanted now and what follows later
            return _core.Out(number[free[item.index]]) if isinstance(item, _core.TemplateRef) and item.kind == "Out" else item

        def in_second(item: Any) -> Any:
            if not isinstance(item, _core.TemplateRef) or item.kind == "Const":
                return item
            if item.kind == "Out" and free[item.index] in late_results:
                return _Place(True, late_results.index(free[item.index]))
            keep.append(in_first(item))
            return _Place(False, len(keep) - 1)

        later = Later(executable, map_leaves(in_second, rest))
        residuals = tuple(_core.Out(len(number) + k) for k in range(len(specs)))
        captured.template = (map_leaves(in_first, now), _core.Const(later), tuple(keep), residuals)
        return captured.compile()

    def _split(self, captured: program.Captured, late: list[int]) -> tuple:
        """The first half, the numbers of the late results, dtype and shape of the residuals, and the second half, ready to run."""
        from .._compiler import stages

        first = stages.lower(captured.module, captured.name, {}, "differentiated")
        try:
            second, late_results, residuals = first.split(late)
        except err.CompilerCrash:
            raise
        except err.CompileError:
            raise _Unsplittable from None
        specs = [(trace.from_mlir(word), shape) for word, shape in residuals]
        if not late_results:
            return first, late_results, specs, None
        name = captured.name + ".later"
        here = device.current()
        executable = program.make_executable(program.compile_for(here, second, name), specs + [spec for _, spec in self._local.late],
                                             [captured.outputs[i] for i in late_results], name, here)
        return first, late_results, specs, executable
