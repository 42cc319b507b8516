"""From a finished capture to an executable: one-op kernels for eager Tensors, whole programs for compiled functions."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import _errors as err
from .._runtime import _core, device
from . import trace
from .convert.side_effects import room_for_recursion
from .guards import Recorder
from .hooks import recording
from .structure import map_leaves, tensor_leaves

__all__ = ["Captured", "Program", "capture", "compile_for", "compile_op", "make_executable"]

TensorBase = _core.TensorBase


def compile_op(name: str, attrs: tuple | None, tensors: tuple, build: Callable) -> Any:
    """The executable of one op or composite for the dtypes and shapes of ``tensors``."""
    from .. import _compiler

    here = device.current()
    key = repr((name, attrs, [(t.dtype.name, t.shape) for t in tensors]))
    compiled = _compiler.lookup(key, **_chip(here))
    if compiled is not None:
        outputs = compiled.outputs
    else:
        recording_ = trace.Capture()
        with trace.open_capture(recording_):
            root = trace.Frame(recording_, None, name)
            recording_.stack.append(root)
            results = build(name, attrs, tuple(root.formal(t) for t in tensors))
            results = results if isinstance(results, tuple) else (results,)
            root.function.finish([root.value(r) for r in results], {})
            module = recording_.builder.finish(root.function)
        outputs = [(r.dtype.code, tuple(r.shape)) for r in results]
        compiled = _compiler.compile(module, name, key=key, outputs=outputs, **_chip(here))
    return make_executable(compiled, [(t.dtype, t.shape) for t in tensors], [(code, tuple(shape), -1) for code, shape in outputs], name, here)


def make_executable(compiled: Any, inputs: list, outputs: list, name: str, here: device.Device) -> Any:
    """What runs a compiled program on the device that it was compiled for."""
    # While a program prints, other threads may run: what it works on is then held as for a long one.
    return _core.Executable(compiled.entry, compiled.arena_bytes, inputs, outputs, compiled, True if compiled.prints else None, name, compiled.failure, here.core)


def _chip(here: device.Device) -> dict[str, Any]:
    return {} if here.chip is None else {"chip": here.full}


def compile_for(here: device.Device, module: Any, name: str) -> Any:
    """A module at stage "cell" as a program for a device."""
    from .. import _compiler

    return _compiler.compile(module, name, **_chip(here))


class Program:
    """A compiled program and the ways to look at it."""

    def __init__(self, compiled: Any, executable: Any, name: str, module: Any, seconds: float) -> None:
        self.compiled, self.executable, self.name, self.module, self._seconds = compiled, executable, name, module, seconds

    def mlir(self, stage: str = "cell") -> str:
        """The program's text at a stage: ``"cell"``, ``"differentiated"``, ``"linalg"``, ``"gpu"`` (of a program for a GPU), ``"ascend"`` (for an accelerator) or ``"llvm"``."""
        return self.compiled.mlir(stage)

    def asm(self) -> str:
        """The processor's assembly; of a program for a device, its host part."""
        return self.compiled.asm()

    def ptx(self, lines: bool | None = None) -> str:
        """The kernels of a program for a GPU as PTX; ``""`` where it has none.

        Args:
            lines: whether it has the user's lines (``.file`` and ``.loc``); by default only where ``CELLGRAD_GPU_LINES=1`` is set.

        Raises:
            ValueError: the program is for the CPU or for the simulator.
        """
        return self.compiled.device(lines).ptx()

    def cubin(self, lines: bool | None = None) -> bytes:
        """The machine code of the kernels, by ptxas; ``b""`` where there are none. ``lines`` as for ``ptx``.

        Raises:
            FileNotFoundError: ptxas is not installed; the message has the command that installs it.
            ValueError: as ``ptx``.
        """
        return self.compiled.device(lines).cubin()

    def sass(self, lines: bool | None = None) -> str:
        """The machine code of the kernels as text, by nvdisasm or cuobjdump; with ``lines`` nvdisasm shows the user's line of each part. Raises as ``cubin``."""
        return self.compiled.device(lines).sass()

    def kernels(self) -> list:
        """The kernels of a program for a GPU or an accelerator, in the order of their numbers.

        Returns:
            For an accelerator tuples with the fields ``name``, ``file``, ``line``, ``core`` (``"aiv"``, ``"aic"``, ``"aicpu"``), ``blocks`` and ``launches``. For a
            GPU tuples with the fields ``name``, ``file``, ``line``, ``grid``, ``block``, ``launches``, ``shared_bytes``, ``registers``, ``spill_bytes`` and
            ``stack_bytes``; the last three are ``None`` where ptxas is not installed. A size of grid or block is -1 where launches differ.

        Raises:
            ValueError: the program is for the CPU.
        """
        return self.compiled.device().kernels()

    def hivm(self, form: str = "auto") -> str:
        """The kernels of a program for an accelerator as HIVM, the text that the vendor's compiler takes; AI CPU kernels are left out.

        Args:
            form: ``"auto"`` leaves addresses and flags to the vendor's compiler, ``"planned"`` has ours.

        Raises:
            ValueError: the program is not for an accelerator, or an unknown form.
        """
        return self.compiled.device().hivm(form)

    def remarks(self) -> tuple[str, ...]:
        """Where the compiler found no better way than a slow one, each as ``"file:line: text"``."""
        return self.compiled.remarks()

    def timings(self) -> dict[str, float]:
        """Seconds per stage: ``capture``, then those of the compiler (``cache`` where the program came from there)."""
        return {"capture": self._seconds, **self.compiled.timings()}


class Captured:
    """What a capture gives: a module with the interface of its entry, and the result of a call as a template."""

    def __init__(self) -> None:
        self.module: Any = None
        self.inputs: list[tuple] = []
        self.outputs: list[tuple] = []
        self.plan: list = []
        self.template: Any = None
        self.guards: tuple = ()
        self.name = ""
        self.seconds = 0.0

    def compile(self) -> Program | None:
        """The executable program; ``None`` when nothing is computed."""
        if self.module is None:
            return None
        here = device.current()
        compiled = compile_for(here, self.module, self.name)
        executable = make_executable(compiled, self.inputs, self.outputs, self.name, here)
        return Program(compiled, executable, self.name, self.module, self.seconds)


    def lower(self, target: str | None, chip: str | None) -> Program | None:
        """The program for a target that need not be here; ``None`` when nothing is computed. Raises as ``JitFunction.lower``."""
        if target is not None and not isinstance(target, str):
            raise TypeError(f"For 'lower', the 'target' should be a text, 'cpu', 'gpu' or 'ascend', but got {type(target).__name__}.")
        wanted = "ascend" if target is None and chip in device.ASCEND_CHIPS else "gpu" if target is None else target.lower()
        if wanted not in ("cpu", "gpu", "ascend"):
            raise ValueError(f"For 'lower', the 'target' should be 'cpu', 'gpu' or 'ascend', but got {target!r}.")
        if self.module is None:
            return None
        if wanted == "cpu":
            if chip is not None:
                raise ValueError(f"For 'lower', a 'chip' goes with the target 'gpu' or 'ascend', but got target='cpu' and chip={chip!r}.")
            compiled = compile_for(device.CPU, self.module, self.name)
            return Program(compiled, make_executable(compiled, self.inputs, self.outputs, self.name, device.CPU), self.name, self.module, self.seconds)
        here = device.current()
        if wanted == "ascend":
            chip = chip or (here.chip if here.target == "Ascend" else device.ASCEND_CHIP)
            if chip not in device.ASCEND_CHIPS:
                raise ValueError(f"For 'lower', the chip of the target 'ascend' is one of {', '.join(device.ASCEND_CHIPS)}, but got {chip!r}.")
        else:
            if chip in device.ASCEND_CHIPS:
                raise ValueError(f"For 'lower', the chip {chip!r} goes with the target 'ascend'.")
            chip = device.target_of(chip) if chip else here.full if here.target == "GPU" else None
            if chip is None:
                raise ValueError("For 'lower', the target 'gpu' wants a chip where the device is not a GPU: lower(..., target='gpu', chip='sm_90')")
        from .. import _compiler

        return Program(_compiler.lowered(self.module, self.name, chip), None, self.name, self.module, self.seconds)


def capture(run: Callable[[list], Any], leaves: tuple, name: str, reach: Callable[[Recorder], None]) -> Captured:
    """Captures one program.

    Args:
        run: called with the traced Tensors that stand for ``leaves``; returns the program's result.
        leaves: the Tensors of the call.
        name: of the program.
        reach: tells the recorder what the program starts from (the function, its arguments).
    """
    recorder = Recorder()
    current = trace.Capture(recorder)
    done = Captured()
    done.name = name
    with trace.open_capture(current), recording(recorder), room_for_recursion():
        root = trace.Frame(current, None, name)
        current.stack.append(root)
        formals = [root.formal(leaf) for leaf in leaves]
        entry = [formal._node for formal in formals]
        reach(recorder)
        output = run(formals)
        _finish(done, current, root, leaves, formals, entry, output)
    done.guards += recorder.guards
    return done


def _check_aliases(done: Captured, current: Any, leaves: tuple, written: list[int]) -> None:
    """A Tensor that is written must have one name in the program: as an argument, or from outside, not both and not twice.

    Raises:
        UnsupportedError: it has two.
    """
    if not written:
        return
    outside = [tensor for _, tensor in current.captured]
    count = len(leaves)
    here = [k for k in written if k < count]
    anywhere = frozenset(map(id, outside))
    there = frozenset(id(outside[k - count]) for k in written if k >= count)

    def twice(passed: Any) -> Any:
        for tensor in passed:
            if id(tensor) in there:
                return tensor
        for k in here:
            if id(passed[k]) in anywhere or sum(other is passed[k] for other in passed) > 1:
                return passed[k]
        return None

    tensor = twice(leaves)
    if tensor is not None:
        name = getattr(tensor, "name", None)
        what = f"Parameter '{name}'" if name else f"a Tensor of shape {tensor.shape}"
        raise err.UnsupportedError(f"{done.name}: {what} is written under one name and reaches the program under another as well",
                                   hint="pass it as an argument once, or use it from outside the function, not both")
    if leaves:
        done.guards = (("python", lambda slots: twice(tensor_leaves(list(slots))) is None, "@two names of one Tensor"),)


def _finish(done: Captured, current: Any, root: Any, leaves: tuple, formals: list, entry: list, output: Any) -> None:
    number = {id(formal): k for k, formal in enumerate(formals)}
    results: list = []
    place: dict[int, int] = {}

    def leaf(item: Any) -> Any:
        if not isinstance(item, TensorBase):
            return _core.Const(item)
        if id(item) in number:
            return _core.In(number[id(item)])
        if item._node is None and id(item) not in current.fresh:
            return _core.Const(item)  # a Parameter or a Tensor from outside
        if id(item) not in place:
            place[id(item)] = len(results)
            results.append(item)
        return _core.Out(place[id(item)])

    done.template = map_leaves(leaf, output)
    values = [root.value(item) for item in results]
    tied: list[tuple[Any, Any, int]] = []  # Tensor, value, argument number
    for k, (formal, first) in enumerate(zip(formals, entry)):
        if formal._node is not first:
            tied.append((leaves[k], formal._node.value, k))
    for key, tensor in root.written.items():
        if key not in current.fresh:
            tied.append((tensor, root.values[key], root.arguments[key]))
    _check_aliases(done, current, leaves, [k for _, _, k in tied])
    done.inputs = [(t.dtype, t.shape) for t in leaves] + [(t.dtype, t.shape) for _, t in current.captured]
    done.plan = list(range(len(leaves))) + [t for _, t in current.captured]
    done.outputs = [(r.dtype, r.shape, -1) for r in results] + [(t.dtype, t.shape, argument) for t, _, argument in tied]
    if not done.outputs and not current.effects:
        return
    aliases = {len(values) + i: argument for i, (_, _, argument) in enumerate(tied)}
    root.function.finish(values + [value for _, value, _ in tied], aliases)
    done.module = current.builder.finish(root.function)
