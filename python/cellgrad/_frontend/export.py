"""Compiled programs as files for other machines: ``fn.export`` and ``export_programs``."""
from __future__ import annotations

import math
import os
from collections.abc import Mapping
from types import MethodType
from typing import Any

from .. import _errors as err
from .._runtime import _core
from .jit import Compiled, cell_program, is_cell, jit, name_of

__all__ = ["export_function", "export_programs"]

_TensorBase = _core.TensorBase


def export_programs(path: Any, programs: Mapping[str, Any], *, target: str = "cpu", cpu: str = "x86-64-v3", chip: str | None = None, image: str = "ptx",
                    mlir: bool = False) -> str:
    """Writes compiled programs that share their Parameters into one file, which runs without cellgrad.

    The file holds machine code, the values of all Parameters and other Tensors that the programs use from outside, what the programs take and give, and a digest of all of it. It is
    loaded by ``cellgrad_program`` (see ``write_loader``), in Python or in C. Each program is specialised on the dtypes and shapes of its example arguments, on its Python arguments and
    on everything else that a compiled function reads, such as ``Cell.training``.

    Args:
        path: of the file; it appears whole or not at all.
        programs: by name, each a tuple of a function, a Cell or a method and its example arguments: ``{"predict": (net, x)}``. Keyword arguments are a dict at the
            end that stands behind a ``None``: ``(fn, x, None, {"scale": 2.0})``.
        target: ``"cpu"`` or ``"gpu"``.
        cpu: the processor: a level of x86-64 (``"x86-64"``, ``"x86-64-v2"``, ``"x86-64-v3"``, ``"x86-64-v4"``), or ``"native"`` for everything that this one has. Loading checks
            that the processor has the features.
        chip: the GPU's compute capability, such as ``"sm_80"``; without one, that of the current device. The GPU need not be here.
        image: what of the kernels goes into the file: ``"ptx"``, which the driver compiles for the chip and later ones at loading, or ``"cubin"``, machine code for chips of the
            same generation, for which ptxas has to be installed.
        mlir: whether the text of the programs goes into the file too.

    Returns:
        The digest of the file, 64 hexadecimal digits. Given to ``cellgrad_program.load`` it makes sure that this file is the one that is loaded.

    Raises:
        ValueError: no programs, an unknown processor or target.
        TypeError: not callable, or arguments that do not fit.
        UnsupportedError: a program that computes nothing, a result that is no Tensor or plain value, two Tensors that share memory of which one is written.
        OSError: the file cannot be written.

    Examples:
        >>> digest = ms.export_programs("model.cgp", {"step": (step, x, y), "predict": (net, x)})
    """
    if not isinstance(programs, Mapping) or not programs:
        raise err.UserValueError("For 'export_programs', at least one program was expected, as in {\"predict\": (net, x)}.")
    exporter = _Exporter(target, cpu, chip, image, mlir)
    for name, entry in programs.items():
        if not isinstance(name, str) or not name or "\0" in name:
            raise err.UserTypeError(f"For 'export_programs', names of programs are texts, but got {name!r}.")
        if not isinstance(entry, tuple) or not entry or not callable(entry[0]):
            raise err.UserTypeError(f"For 'export_programs', program '{name}' should be a tuple of a function and its arguments, but got {type(entry).__name__}.")
        fn, args, kwargs = entry[0], entry[1:], {}
        if len(args) >= 2 and args[-2] is None and isinstance(args[-1], dict):
            args, kwargs = args[:-2], args[-1]
        exporter.add(name, fn, args, kwargs)
    return exporter.write(path)


def export_function(fn: Compiled, path: Any, args: tuple, kwargs: dict, target: str, cpu: str, chip: str | None, image: str, mlir: bool) -> str:
    """What ``fn.export`` does; the program is called like the function, ``"program"`` where that has no name."""
    exporter = _Exporter(target, cpu, chip, image, mlir)
    name = name_of(fn._fn)
    exporter.add(name if name.isidentifier() else "program", fn, args, kwargs)
    return exporter.write(path)


def _compiled(fn: Any, args: tuple) -> tuple[Compiled, tuple]:
    """The compiled form of a callable, with the arguments that it takes."""
    if isinstance(fn, Compiled):
        return fn, args
    if is_cell(fn):
        return cell_program(fn), args
    if isinstance(fn, MethodType) and isinstance(fn.__func__, Compiled):
        return fn.__func__, (fn.__self__, *args)
    return jit(fn), args


def _target(target: str, cpu: str, chip: str | None, image: str) -> Any:
    """What is exported for.

    Raises:
        ValueError: there is no such thing.
        FileNotFoundError: ptxas, which machine code of kernels needs, is not installed.
    """
    from .._compiler import cuda_tools, stages
    from .._compiler.processors import processor
    from .._compiler.program_file import Target
    from .._runtime import device

    if target not in ("cpu", "gpu"):
        raise err.UserValueError(f"export: target {target!r} is not known; programs can be exported for \"cpu\" and \"gpu\".")
    if target == "gpu":
        chip = chip or (device.current().chip if device.current().target == "GPU" else None)
        if chip in device.ASCEND_CHIPS:
            raise err.UserValueError(f"export: {chip!r} is not a GPU; programs can be exported for \"cpu\" and \"gpu\", as with chip=\"sm_80\".")
        if chip is None:
            raise err.UserValueError("export: the target \"gpu\" wants a chip where the device is not a GPU, as in target=\"gpu\", chip=\"sm_80\".")
    elif chip is not None:
        raise err.UserValueError(f"export: a chip goes with the target \"gpu\", but got target=\"cpu\" and chip={chip!r}.")
    if image not in ("ptx", "cubin"):
        raise err.UserValueError(f"export: 'image' is \"ptx\" or \"cubin\", not {image!r}.")
    try:
        processor(cpu)
        stages.of(chip)
    except ValueError as error:
        raise err.UserValueError(f"export: {error}.") from None
    cubin = chip is not None and image == "cubin" and not chip.startswith("sim")
    if cubin and cuda_tools.find("ptxas") is None:
        raise FileNotFoundError("export: image=\"cubin\" needs ptxas, which is not installed: pip install 'cellgrad[cuda]'; or take image=\"ptx\"")
    # A file runs where no library of products is: its products are always generated.
    return Target(cpu, None if chip is None else device.target_of(chip, products="generated"), cubin)


class _Exporter:
    """The parts of one file."""

    def __init__(self, target: str, cpu: str, chip: str | None, image: str, mlir: bool) -> None:
        self._target, self._mlir = _target(target, cpu, chip, image), mlir
        self._programs: list[dict[str, Any]] = []
        self._tensors: list[Any] = []
        self._state: list[dict[str, Any]] = []
        self._places: dict[int, int] = {}  # id of a Tensor -> number
        self._names: set[str] = set()
        self._written: set[int] = set()

    def add(self, name: str, fn: Any, args: tuple, kwargs: dict) -> None:
        """Compiles a program and describes it."""
        from .._compiler import program_file
        from .jit import _capture

        compiled, args = _compiled(fn, args)
        call = compiled._bound(args, kwargs)
        captured = _capture(compiled, call)
        if captured.module is None:
            raise err.UnsupportedError(f"export: {name} computes nothing with these arguments", hint="pass Tensors; what is computed from Python values alone is a constant")
        arguments, leaf_names = _arguments(compiled, call)
        inputs = [{"name": leaf, **_signature(dtype, shape)} for leaf, (dtype, shape, *_) in zip(leaf_names, captured.inputs)]
        sources = [self._number(tensor) for tensor in captured.plan[len(inputs):]]
        every = [*inputs, *({"state": number} for number in sources)]
        outputs: list[dict[str, Any]] = []
        paths = dict(reversed(_output_paths(captured.template, "")))  # a Tensor in two places is called by the first
        for i, (dtype, shape, alias) in enumerate(captured.outputs):
            outputs.append({"name": paths.get(i, ""), **_signature(dtype, shape)} if alias < 0 else {"alias": alias})
            if alias >= len(inputs):
                self._written.add(sources[alias - len(inputs)])
        result = self._result(captured.template, call, name)
        code, about = program_file.compile_for(captured.module, name, self._target)
        item = {"name": name, "code": code, **about, "inputs": every, "outputs": outputs, "arguments": arguments, "result": result}
        if self._mlir:
            item["mlir"] = captured.module.text(locations=False)
        self._programs.append(item)

    def write(self, path: Any) -> str:
        from .._compiler import program_file
        from .._runtime.files import write_file

        self._check_memory()
        values = [program_file.value_bytes(tensor) for tensor in self._tensors]
        content, digest = program_file.pack(self._programs, self._state, values, self._target)
        write_file(os.path.abspath(os.fspath(path)), content)
        return digest

    def _number(self, tensor: Any) -> int:
        """The place of a Tensor from outside among the file's state."""
        if id(tensor) not in self._places:
            from . import state

            name = "random_key" if tensor is state._key else getattr(tensor, "name", None) or "tensor"
            unique, again = name, 1
            while unique in self._names:
                again += 1
                unique = f"{name}#{again}"
            self._names.add(unique)
            self._places[id(tensor)] = len(self._tensors)
            self._tensors.append(tensor)
            self._state.append({"name": unique, **_signature(tensor.dtype, tensor.shape)})
        return self._places[id(tensor)]

    def _check_memory(self) -> None:
        """Each Tensor becomes memory of its own, so those that share it must not be written."""
        first: dict[int, int] = {}
        for number, tensor in enumerate(self._tensors):
            other = first.setdefault(tensor.data_ptr(), number) if tensor.size else number
            if other != number and self._written & {number, other}:
                raise err.UnsupportedError(f"export: {self._state[other]['name']} and {self._state[number]['name']} share memory, and one of them is written",
                                           hint="use one Tensor for both, or copy one")

    def _result(self, template: Any, call: Any, name: str) -> dict[str, Any]:
        """The result's structure; see cellgrad_program/_tree.py."""
        kind = getattr(template, "kind", None) if type(template).__name__ == "TemplateRef" else None
        if kind == "Out":
            return {"output": template.index}
        if kind == "In":
            return {"input": template.index}
        value = call.slots[template.index] if kind == "Slot" else template.value if kind == "Const" else template
        if isinstance(value, _TensorBase):
            return {"state": self._number(value)}
        if isinstance(value, (tuple, list)):
            return {"list" if isinstance(value, list) else "tuple": [self._result(item, call, name) for item in value]}
        if isinstance(value, dict):
            return {"dict": [[_key(key, name), self._result(item, call, name)] for key, item in value.items()]}
        if not _plain(value):
            raise err.UnsupportedError(f"export: {name} returns a {type(value).__name__}, which a program file cannot hold",
                                       hint="return Tensors, numbers, strings, None, and tuples, lists and dicts of them")
        return _constant(value)


def _signature(dtype: Any, shape: Any) -> dict[str, Any]:
    return {"dtype": dtype.name.rstrip("_"), "shape": list(shape)}


def _plain(value: Any) -> bool:
    """Whether a program file gives the value back as it is."""
    if type(value) is int:
        return -(2**63) <= value < 2**63
    if type(value) is str:
        return "\0" not in value and not any("\ud800" <= c <= "\udfff" for c in value)
    return value is None or type(value) in (bool, float)


def _constant(value: Any) -> dict[str, Any]:
    """The tree of a plain value; JSON has no numbers that are not finite."""
    return {"real": repr(value)} if type(value) is float and not math.isfinite(value) else {"value": value}


def _key(key: Any, name: str) -> Any:
    if type(key) in (str, int) and _plain(key):
        return key
    raise err.UnsupportedError(f"export: {name} uses the dict key {key!r}, which a program file cannot hold", hint="use strings or ints as keys")


def _output_paths(template: Any, path: str) -> list[tuple[int, str]]:
    """The places of outputs in the result."""
    if type(template).__name__ == "TemplateRef":
        return [(template.index, path)] if template.kind == "Out" else []
    found: list[tuple[int, str]] = []
    if isinstance(template, (tuple, list)):
        for i, item in enumerate(template):
            found += _output_paths(item, f"{path}[{i}]")
    elif isinstance(template, dict):
        for key, item in template.items():
            found += _output_paths(item, f"{path}[{key!r}]")
    return found


def _arguments(compiled: Compiled, call: Any) -> tuple[list[dict[str, Any]], list[str]]:
    """How a call passes its Tensors: a description of each argument, and the names of the Tensors in order."""
    names = compiled._names
    count = len(call.slots)
    end = count - len(call.extra_names)
    leaves: list[str] = []

    def describe(value: Any, name: str) -> dict[str, Any]:
        if isinstance(value, _TensorBase):
            leaves.append(name)
            return {"input": len(leaves) - 1}
        if isinstance(value, (tuple, list)):
            return {"list" if isinstance(value, list) else "tuple": [describe(item, f"{name}[{i}]") for i, item in enumerate(value)]}
        if isinstance(value, dict):
            return {"dict": [[_key(key, name), describe(item, f"{name}[{key!r}]")] for key, item in value.items()]}
        if value is _core.MISSING:
            return {"fixed": "its default"}
        return _constant(value) if _plain(value) else {"fixed": f"a {type(value).__name__}"}

    found = []
    for i, slot in enumerate(call.slots):
        if i < len(names.names):
            name, kind = names.names[i], "positional" if i < names.n_positional else "keyword"
        elif i < end:
            name, kind = f"args[{i - len(names.names)}]", "rest"
        else:
            name, kind = call.extra_names[i - end], "keyword"
        found.append({"name": name, "kind": kind, "tree": describe(slot, name)})
    return found, leaves
