"""``jit``: compiled functions, methods and Cells, and the calls of Cells."""
from __future__ import annotations

import inspect
import time
import weakref
from collections.abc import Callable
from types import MethodType
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _errors as err
from .._runtime import _core
from . import context, precision, program, trace
from .call_names import AS_WRITTEN, CallNames
from .convert import call, invoke
from .explain import Explanation, explain, report_miss, worth_explaining
from .guards import Recorder
from .hooks import active_recorder
from .locations import user_traceback
from .structure import has_leaf, with_leaves

if TYPE_CHECKING:
    from .profile import Profile

__all__ = ["Compiled", "JitFunction", "call_cell", "call_names", "jit"]

_MOST_ENTRIES = 64  # programs kept per function; the oldest goes first


def call_names(fn: Any) -> CallNames:
    """The parameters of a function; of a Cell, those of its ``construct``."""
    return CallNames(fn.construct if is_cell(fn) else fn)


def bind_or_raise(fn: Any, args: tuple, kwargs: dict) -> None:
    """Checks that the arguments fit.

    Raises:
        TypeError: Python's own, as the call would raise it.
    """
    target = fn.construct if is_cell(fn) else fn
    try:
        inspect.signature(target).bind(*args, **kwargs)
    except TypeError:
        target(*args, **kwargs)  # they do not bind, so the body does not run
        raise
    except ValueError:
        pass  # a callable without a signature


def is_cell(value: Any) -> bool:
    """Whether the value is a Cell (told without importing ``nn``)."""
    return any(cls.__name__ == "Cell" and cls.__module__ == "cellgrad.nn.cell" for cls in type(value).__mro__)


def name_of(fn: Any) -> str:
    if is_cell(fn):
        return type(fn).__name__
    return getattr(fn, "__name__", None) or getattr(getattr(fn, "func", None), "__name__", None) or type(fn).__name__


class Compiled(_core.Dispatcher):
    """A callable whose calls run compiled programs, one per signature and state of what the function read.

    ``run`` is the Python that is captured; ``fn`` the user's function (or a weak reference to it), for guards, names and errors.
    """

    def __init__(self, fn: Any, run: Callable, names: CallNames, traced: Callable) -> None:
        super().__init__(_miss, names.names, traced_path=traced, **names.options())
        self._reference = fn if isinstance(fn, weakref.ref) else lambda: fn
        self._run, self._names = run, names
        self._programs: dict[int, program.Program | None] = {}  # by number of the Dispatcher's entry

    @property
    def _fn(self) -> Any:
        return self._reference()

    # -- looking at programs ----------------------------------------------------------------------------------------------
    def _latest(self) -> program.Program:
        compiled = [p for _, p in sorted(self._programs.items()) if p is not None]
        if not compiled:
            raise ValueError(f"{name_of(self._fn)} has not been compiled yet: call it once, or use .lower(*args)")
        return compiled[-1]

    def mlir(self, stage: str = "cell") -> str:
        """The text of the program that was compiled last, at ``"cell"``, ``"differentiated"``, ``"linalg"`` or ``"llvm"``."""
        return self._latest().mlir(stage)

    def asm(self) -> str:
        """The machine code of the program that was compiled last, as assembly."""
        return self._latest().asm()

    def remarks(self) -> tuple[str, ...]:
        """Where the compiler found no better way than a slow one in the program that was compiled last, each as ``"file:line: text"``; mostly empty."""
        return self._latest().remarks()

    def timings(self) -> dict[str, float]:
        """Seconds per stage of the last compilation: ``capture``, then those of the compiler."""
        return self._latest().timings()

    def lower(self, *args: Any, **kwargs: Any) -> program.Program | None:
        """The program for these arguments, compiled but not run; ``None`` if it computes nothing.

        ``target`` and ``chip`` say for what, where the function has no parameters of these names; without them it is the current device. The device need not be here.

        Args:
            *args, **kwargs: as for a call.
            target: ``"cpu"``, ``"gpu"`` or ``"ascend"``.
            chip: the GPU's compute capability, ``"sm_80"`` to ``"sm_120"``, or the accelerator, ``"Ascend910B1"`` to ``"Ascend910B4"``; that of the current device where it
                is left out, else ``"Ascend910B3"``.

        Raises:
            TypeError: a target that is no text.
            ValueError: an unknown target or chip.
            UnsupportedError: the program asks for something that the target cannot do.

        Examples:
            >>> square = ms.jit(lambda x: x * x)
            >>> ".target sm_90" in square.lower(Tensor([1.0, 2.0]), target="gpu", chip="sm_90").ptx()
            True
        """
        parameters = self._names.names
        target, chip = (kwargs.pop(name, None) if name not in parameters else None for name in ("target", "chip"))
        captured = _capture(self, self._bound(args, kwargs))
        return self._compile(captured) if target is None and chip is None else captured.lower(target, chip)

    def export(self, path: Any, /, *args: Any, **kwargs: Any) -> str:
        """Writes the program for these arguments, with the values of its Parameters, into a file that runs without cellgrad; see ``export_programs``, which also takes
        several programs, methods and Cells.

        Args:
            path: of the file.
            args, kwargs: example arguments; the program takes Tensors of their dtypes and shapes.
            target, cpu, chip, image, mlir: as of ``export_programs``, where the function has none of these names.

        Returns:
            The digest of the file.

        Examples:
            >>> digest = square.export("square.cgp", Tensor([1.0, 2.0]))
        """
        from .export import export_function

        settings: dict[str, Any] = {"target": "cpu", "cpu": "x86-64-v3", "chip": None, "image": "ptx", "mlir": False}
        own = {name: kwargs.pop(name, usual) if name not in self._names.names else usual for name, usual in settings.items()}
        return export_function(self, path, args, kwargs, **own)

    def profile(self, *args: Any, **kwargs: Any) -> Profile:
        """Runs the function on the simulated accelerator and says what its kernels cost: cycles, how busy each pipe is, bytes per path. A model, not a measurement.

        Returns:
            A ``Profile`` of a call with these arguments: ``result``, ``launches``, ``cycles``, ``pipes``, ``bytes``, ``busy()`` and ``write_trace(path)``; printed as a table.

        Raises:
            ValueError: the context's device is not an Ascend device.

        Examples:
            >>> exp = ms.jit(lambda x: ops.exp(x))
            >>> ms.set_context(device_target="Ascend")
            >>> profile = exp.profile(ops.ones((64, 128), ms.float32))
            >>> [launch.core for launch in profile.launches], profile.bytes["gm->ub"]
            (['aiv'], 32768)
            >>> ms.set_context(device_target="CPU")
        """
        from .profile import profiled

        return profiled(name_of(self._fn), lambda: self(*args, **kwargs))

    def _compile(self, captured: program.Captured) -> program.Program | None:
        return captured.compile()

    def explain(self, *args: Any, **kwargs: Any) -> Explanation:
        """Whether a call with these arguments would run a program that is there, or be captured again and why.

        Returns:
            An ``Explanation``: truthy where a program fits, printed as text that names every argument, attribute or variable that sets the call apart from
            the program that differs least, old value -> new value.

        Raises:
            TypeError: the arguments do not fit the function's parameters.

        Examples:
            >>> square = ms.jit(lambda x: x * x)
            >>> _ = square(Tensor([1.0, 2.0]))
            >>> square.explain(Tensor([1.0, 2.0, 3.0]))
            <lambda> is captured again; against the one that it has:
              x: Tensor Float32(2) -> Tensor Float32(3)
        """
        return _explained(self, self._bound(args, kwargs))

    def saved(self, *args: Any, **kwargs: Any) -> list[tuple]:
        """What the derivatives in the program for these arguments keep between forward and backward; see ``saved`` of the package."""
        from .._compiler import stages

        captured = _capture(self, self._bound(args, kwargs))
        return [] if captured.module is None else stages.lower(captured.module, captured.name, {}, "differentiated").saved()

    def _bound(self, args: tuple, kwargs: dict) -> Any:
        call = self.bind(*args, **kwargs)
        if call.slots is None:
            bind_or_raise(self._fn, args, kwargs)
        return call


def _explained(d: Compiled, call: Any) -> Explanation:
    try:
        names = call_names(d._fn).names
    except TypeError:
        names = ()
    return explain(name_of(d._fn), names, call)


def _capture(d: Compiled, call: Any) -> program.Captured:
    begin = time.perf_counter()

    def run(formals: list) -> Any:
        args, kwargs = d._names.bind(with_leaves(list(call.slots), formals), call.extra_names)
        return d._run(*args, **kwargs)

    def reach(recorder: Recorder) -> None:
        recorder.reached(d._fn)
        for slot in call.slots:
            if not isinstance(slot, (tuple, list, dict, np.ndarray)):
                recorder.reached(slot)

    try:
        captured = program.capture(run, call.leaves, name_of(d._fn), reach)
    except Exception as error:
        raise error.with_traceback(user_traceback(error.__traceback__))
    captured.seconds = time.perf_counter() - begin
    return captured


def _miss(d: Compiled, call: Any) -> Any:
    """The call fits no program: capture, compile, run."""
    if call.slots is None:
        d._fn(*call.args, **call.kwargs)  # raises the TypeError of Python
        raise err.InternalError(f"arguments of {name_of(d._fn)} were not bound")
    if worth_explaining(len(d._programs)):
        report_miss(_explained(d, call))
    captured = _capture(d, call)
    compiled = d._compile(captured)
    executable = None if compiled is None else compiled.executable
    entry = d.add_entry(call, executable, captured.plan if executable is not None else [], captured.template, captured.guards)
    d._programs[entry] = compiled
    result = d.run_entry(entry, call)
    # The content of NumPy arguments is not part of the signature: their programs serve one call only.
    if has_leaf(list(call.slots), np.ndarray):
        d.remove_entry(entry)
    while len(d._programs) > _MOST_ENTRIES:
        oldest = min(d._programs)
        d._programs.pop(oldest, None)  # another thread may have been quicker
        try:
            d.remove_entry(oldest)
        except KeyError:  # dropped because something it was guarded by has died
            pass
    return result


# --------------------------------------------------------------------------------------------------------------------
# jit
# --------------------------------------------------------------------------------------------------------------------
def run_function(fn: Any, args: tuple, kwargs: dict) -> Any:
    """Calls a user function inside a capture; a Cell by its ``construct``."""
    recorder = active_recorder()
    if recorder is not None:
        recorder.reached(fn)
    if inspect.isgeneratorfunction(fn.construct if is_cell(fn) else fn):
        raise err.UnsupportedError(f"{name_of(fn)} is a generator (it has a yield), and a program returns once", hint="collect the values in a list and return it")
    if not is_cell(fn):
        return call(fn, *args, **kwargs)
    if recorder is not None:
        recorder.reached(type(fn).construct)
    return precision.of_cell(fn, _run_cell, args, kwargs)


def _run_cell(fn: Any, args: tuple, kwargs: dict) -> Any:
    capture = trace.current_capture()
    if capture is not None and capture.differentiating:
        from . import recompute, rules

        if hasattr(type(fn), "bprop") and rules.applies(fn):
            rules.reached(type(fn).bprop)
            return rules.call_cell_with_bprop(fn, args, kwargs)
        if fn._recompute:
            return recompute.call_recomputed(fn.construct, args, kwargs, name_of(fn))
    return invoke(fn.construct, args, kwargs)


def trace_call(fn: Any, args: tuple, kwargs: dict) -> Any:
    """A call inside a capture as a function of its own."""
    return trace.trace_function(lambda *a, **k: run_function(fn, a, k), args, kwargs, name_of(fn)).call()


class JitFunction(Compiled):
    """What ``jit`` returns; see there."""

    def __init__(self, fn: Any) -> None:
        super().__init__(fn, lambda *a, **k: run_function(fn, a, k), call_names(fn), lambda *a, **k: trace_call(fn, a, k))
        self.__wrapped__ = fn
        for attribute in ("__name__", "__qualname__", "__doc__", "__module__"):
            if hasattr(fn, attribute):
                setattr(self, attribute, getattr(fn, attribute))

    def __repr__(self) -> str:
        return f"<compiled {name_of(self._fn)}>"


def jit(function: Any = None, *, capture_mode: str = "trace", jit_level: str = "O1", dynamic: int = 0, fullgraph: bool = True, backend: str = "",
        **options: Any) -> Any:
    """Compiles a function, a method or a Cell: its first call with arguments of new dtypes and shapes is captured and compiled, later ones run the
    machine code. Forward, derivatives and Parameter updates inside it become one program.

    Args:
        function: a function of Tensors, nested tuples, lists and dicts of them, and Python values (which are constants of the program).
        capture_mode, jit_level, dynamic, fullgraph, backend, options: accepted as MindSpore has them. Everything is captured by tracing as a whole graph
            and fully optimised, so they change nothing.

    Returns:
        A ``JitFunction``, called like the function. ``.mlir(stage)``, ``.asm()`` and ``.timings()`` show the program compiled last, ``.lower(*args)``
        compiles without running.

    Raises:
        TypeError: ``function`` is not callable.

    Examples:
        >>> @ms.jit
        ... def f(x, y):
        ...     return x * y + 1
        >>> print(f(Tensor([1.0, 2.0]), Tensor([3.0, 4.0])))
        [4. 9.]
    """
    if function is None:
        return lambda fn: jit(fn)
    if isinstance(function, JitFunction):
        return function
    if isinstance(function, type):
        raise TypeError(f"For 'jit', a function or a Cell was expected, but got the class {function.__name__}; decorate its construct method, or an instance.")
    if not callable(function):
        raise TypeError(f"For 'jit', the function should be callable, but got {type(function).__name__}.")
    if isinstance(function, (staticmethod, classmethod)):
        return type(function)(jit(function.__func__))
    return JitFunction(function)


# --------------------------------------------------------------------------------------------------------------------
# Cells
# --------------------------------------------------------------------------------------------------------------------
_shared: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


def shared(fn: Any, key: Any, make: Callable[[Callable], Compiled]) -> Compiled:
    """The program of a function under a key, made once, so that asking for it again (``value_and_grad(fn)`` in a loop) compiles nothing.

    ``make`` gets a weak reference to the function: the table keeps it alive no longer than the user does.
    """
    if not isinstance(fn, MethodType):  # a bound method is a new object at each access
        try:
            programs = _shared.setdefault(fn, {})
        except TypeError:  # neither hashable nor weakly referable
            programs = None
        if programs is not None:
            found = programs.get(key)
            if found is None:
                found = programs[key] = make(weakref.ref(fn))
            return found
    return make(lambda: fn)


def primal_program(fn: Any) -> Compiled:
    """A function of positional arguments, compiled."""

    def make(reference: Callable) -> Compiled:
        def run(*args: Any) -> Any:
            return run_function(reference(), args, {})

        return Compiled(reference, run, AS_WRITTEN, lambda *args: trace_call(reference(), args, {}))

    return shared(fn, "primal", make)


def _cell_program(itself: Callable) -> Compiled:
    construct = type(itself()).construct
    return Compiled(construct, lambda *a, **k: run_function(itself(), a, k), CallNames(construct, drop_first=True), lambda *a, **k: trace_call(itself(), a, k))


def cell_program(cell: Any) -> Compiled:
    """The compiled form of a Cell's call."""
    return shared(cell, "call", _cell_program)


def call_cell(cell: Any, args: tuple, kwargs: dict) -> Any:
    """What calling a Cell does: op by op in PYNATIVE mode, compiled in GRAPH_MODE and in a precision of its own, its own function while capturing."""
    if trace.capturing():
        return trace_call(cell, args, kwargs)
    if precision.is_set(cell) or (context.get_mode() == context.GRAPH_MODE and not isinstance(type(cell).construct, JitFunction)):
        return cell_program(cell)(*args, **kwargs)
    return cell.construct(*args, **kwargs)
