"""Capture: a stack of frames, one function of the cell dialect each, and the Tensors that stand for their values."""
from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .. import _errors as err
from .._runtime import _core
from .._runtime import dtype as dt
from .._runtime.tensor_data import asnumpy
from . import locations
from .structure import map_leaves, tensor_leaves

__all__ = ["Capture", "Frame", "Traced", "capturing", "current_capture", "current_frame", "from_mlir", "open_capture", "to_mlir", "trace_function"]

TensorBase = _core.TensorBase

_MLIR = {dt.bool_: "i1", dt.int8: "i8", dt.int16: "i16", dt.int32: "i32", dt.int64: "i64", dt.uint8: "ui8",
         dt.float16: "f16", dt.bfloat16: "bf16", dt.float32: "f32", dt.float64: "f64"}
_DTYPE = {word: dtype for dtype, word in _MLIR.items()}

# A Tensor made while capturing and not larger than this is written into the program; a larger one is passed to it.
_CONSTANT_BYTES = 1 << 16


def to_mlir(dtype: dt.DType) -> str:
    return _MLIR[dtype]


def from_mlir(word: str) -> dt.DType:
    return _DTYPE[word]


class Node:
    """What a traced Tensor stands for: a value and the frame whose function it belongs to.

    ``number``: it is what Python has as a number (the counter of a loop), so in arithmetic it takes the dtype of what it meets.
    """

    __slots__ = ("value", "frame", "number")

    def __init__(self, value: Any, frame: Frame) -> None:
        self.value, self.frame, self.number = value, frame, False


class Frame:
    """One function under construction.

    ``values`` holds what Tensors from outside stand for in this function: arguments at first, the written value after a write.
    """

    def __init__(self, capture: Capture, parent: Frame | None, name: str) -> None:
        self.capture, self.parent = capture, parent
        capture.frames.append(self)
        self.function = capture.builder.function(name, locations.location(capture))
        self.values: dict[int, Any] = {}
        self.lifted: list[Any] = []  # Tensors of outer frames that became trailing arguments, in order
        self.arguments: dict[int, int] = {}  # id of a lifted Tensor -> argument number
        self.written: dict[int, Any] = {}  # id -> Tensor from outside that was written
        self.keep: list[Any] = []  # Tensors whose id is a key above stay alive
        self.formals: list[Any] = []  # Tensors that stand for its own arguments
        self.entries: list[Any] = []  # the arguments as values
        self.count = 0
        self.closed = False

    def argument(self, tensor: Any, shape: tuple | None = None, place: Any = None, **options: Any) -> Any:
        self.count += 1
        shape = tensor.shape if shape is None else shape
        self.entries.append(self.function.argument(to_mlir(tensor.dtype), shape, place or locations.location(self.capture), **options))
        return self.entries[-1]

    def formal(self, tensor: Any, shape: tuple | None = None) -> Any:
        """A traced Tensor that stands for an argument of the call, or for a part of it with another shape."""
        shape = tensor.shape if shape is None else shape
        self.formals.append(_core.traced(tensor.dtype, shape, Node(self.argument(tensor, shape), self)))
        return self.formals[-1]

    def tensor(self, value: Any) -> Any:
        return _core.traced(_DTYPE[value.dtype], tuple(value.shape), Node(value, self))

    def value(self, tensor: Any, place: Any = None) -> Any:
        """The value that a Tensor stands for in this function; a Tensor from outside becomes an argument, with the location ``place`` (the running line's)."""
        node = tensor._node
        if node is not None:
            if node.frame is self:
                return node.value
            if node.frame.closed or node.frame.capture is not self.capture:
                raise _leaked(tensor)
        found = self.values.get(id(tensor))
        if found is not None:
            return found
        if node is None and self.capture.is_constant(tensor):
            found = self.constant(asnumpy(tensor), tensor.dtype)
        else:
            self.arguments[id(tensor)] = self.count
            if self.parent is None:
                name = getattr(tensor, "_name", None)
                options: dict[str, Any] = {"param": name} if isinstance(name, str) and self.capture.is_parameter(tensor) else {}
                found = self.argument(tensor, place=place, **options)
                self.capture.captured.append((self.arguments[id(tensor)], tensor))
            else:
                found = self.argument(tensor, place=place)
            self.lifted.append(tensor)
        self.values[id(tensor)] = found
        self.keep.append(tensor)
        return found

    def write(self, tensor: Any, value: Any) -> None:
        """From here on the Tensor stands for another value (of its dtype and shape)."""
        node = tensor._node
        if node is not None and node.frame is self:
            tensor._node = Node(value, self)
            return
        if node is not None and node.frame.closed:
            raise _leaked(tensor)
        key = id(tensor)
        if self.parent is None and key not in self.capture.fresh:
            self.value(tensor)  # the result is tied to this argument
        self.values[key] = value
        self.capture.overwritten.add(key)
        if key not in self.written:
            self.written[key] = tensor
            self.keep.append(tensor)

    def constant(self, array: Any, dtype: dt.DType) -> Any:
        return self.function.constant(array, to_mlir(dtype), locations.location(self.capture))

    def emit(self, name: str, operands: list, attributes: dict) -> list:
        """Appends a cell op; its results as values.

        Raises:
            UserError: the dialect refuses the operands.
        """
        try:
            return self.function.op("cell." + name, operands, attributes, locations.location(self.capture))
        except err.CompilerCrash:
            raise
        except err.CompileError as error:
            raise dialect_error(name, error.diagnostics) from None


def dialect_error(name: str, diagnostics: list) -> Exception:
    """The user error for an op that the dialect's verifier refused."""
    wrong = [d for d in diagnostics if d[0] == "error"] or diagnostics
    text = wrong[0][4].replace(f"'cell.{name}' op ", "").removeprefix(name + ": ")
    notes = tuple(note[3] for d in diagnostics for note in d[5])
    if "there is no op" in text:
        return err.UnsupportedError(f"{name}: {text}", notes=notes)
    about_types = any(word in text for word in ("element type", "dtype", "must be ranked tensor of"))
    kind = err.DTypeError if about_types and "shape" not in text else err.ShapeError
    return kind(f"{name}: {text}", notes=notes)


def _leaked(tensor: Any) -> Exception:
    return err.CaptureError(
        f"a Tensor of shape {tensor.shape} and dtype {tensor.dtype} from an earlier capture is used outside the function that computed it",
        hint="return the value from the compiled function, or keep it in a Parameter with ops.assign")


class Capture:
    """One program under construction: its builder, its frames, what it read."""

    def __init__(self, recorder: Any = None) -> None:
        from .. import _compiler  # loads LLVM

        self.builder = _compiler.Builder()
        self.locations: dict[tuple, Any] = {}
        self.stack: list[Frame] = []
        self.frames: list[Frame] = []  # all of them, in order
        self.captured: list[tuple[int, Any]] = []  # argument number, Tensor that is passed there at each call
        self.fresh: dict[int, Any] = {}  # Tensors made during this capture
        self.overwritten: set[int] = set()  # ids of Tensors that were written in the frame that first saw them
        self.recorder = recorder
        self.texts: list[tuple[Any, str]] = []  # Tensors whose text was asked for, and how it is to be shown
        self.precision: dt.DType | None = None  # in which ops compute (precision.py)
        self.effects = False  # it prints or asserts, so it runs also where it computes nothing
        self.silent = False  # what is traced is another copy of something that prints and asserts itself
        self.differentiating = 0  # derivatives whose function is being traced
        self.rules: dict[int, int] = {}  # id of a function -> how many of its own derivative rules are being traced

    def is_constant(self, tensor: Any) -> bool:
        """Whether a Tensor with data is written into the program: made during this capture, small, never overwritten."""
        return id(tensor) in self.fresh and id(tensor) not in self.overwritten and tensor.nbytes <= _CONSTANT_BYTES

    def is_outside(self, tensor: Any) -> bool:
        """Whether the caller of the program has the Tensor, too: its argument, a Parameter, a Tensor from before."""
        if tensor._node is None:
            return id(tensor) not in self.fresh
        return tensor._node.frame.parent is None and any(tensor is t for t in tensor._node.frame.formals)

    @staticmethod
    def is_parameter(tensor: Any) -> bool:
        from ..common.parameter import Parameter

        return isinstance(tensor, Parameter)

    @property
    def frame(self) -> Frame:
        return self.stack[-1]


class _State(threading.local):
    capture: Capture | None = None


_state = _State()


def capturing() -> bool:
    """Whether a program is being captured in this thread."""
    return _state.capture is not None


def current_capture() -> Capture | None:
    return _state.capture


def current_frame() -> Frame:
    """The function that ops are appended to.

    Raises:
        CaptureError: nothing is being captured (a traced Tensor has left its function).
    """
    capture = _state.capture
    if capture is None or not capture.stack:
        raise err.CaptureError("a Tensor of an earlier capture is used outside the function that computed it",
                               hint="return the value from the compiled function, or keep it in a Parameter with ops.assign")
    return capture.stack[-1]


@contextmanager
def open_capture(capture: Capture) -> Iterator[Capture]:
    """Makes ``capture`` the one that ops of this thread go to."""
    outer = _state.capture
    _state.capture = capture
    _core.enter_capture()
    try:
        yield capture
    finally:
        _core.exit_capture()
        _state.capture = outer
        for frame in capture.stack:
            frame.closed = True
        capture.stack.clear()


class Traced:
    """A function that was traced into a frame of its own and is ready to be called from the frame around it.

    ``output`` is what it returned, ``leaves`` the Tensors in it, each with its own result of the function; ``formals`` pairs the
    Tensors of the caller with the arguments. A function with a rule of its own is ``opaque``: what it passes through is a result like any other.
    """

    def __init__(self, frame: Frame, output: Any, leaves: list, outer: list, formals: list, writes: list, opaque: bool = False) -> None:
        self.frame, self.output, self.leaves = frame, output, leaves
        self.outer, self.formals, self.writes, self.opaque = outer, formals, writes, opaque

    def operands(self) -> list:
        """The values to call it with, in the current frame."""
        parent = current_frame()
        place = locations.location(parent.capture)
        return [parent.value(t, place) for t in (*self.outer, *self.frame.lifted)]

    def finish_call(self, values: list) -> Any:
        """Binds the values of a call's results; gives the output in terms of the caller's Tensors.

        A Tensor that came from the caller unchanged is the caller's own object.
        """
        parent = current_frame()
        own = {} if self.opaque else {id(formal): outer for formal, outer in zip(self.formals, self.outer)}
        results: dict[int, Any] = {}
        for leaf, value in zip(self.leaves, values):
            node = leaf._node
            if id(leaf) in own:
                results[id(leaf)] = own[id(leaf)]
            elif not self.opaque and (node is None or node.frame is not self.frame):
                results[id(leaf)] = leaf
            else:
                results[id(leaf)] = parent.tensor(value)
        for tensor, value in zip(self.writes, values[len(self.leaves):]):
            parent.write(tensor, value)
        return map_leaves(lambda leaf: results.get(id(leaf), leaf), self.output)

    def call(self) -> Any:
        """Emits the call; the function's output."""
        parent = current_frame()
        values = parent.function.call(self.frame.function, self.operands(), locations.location(parent.capture))
        return self.finish_call(values)


def trace_function(fn: Callable, args: tuple, kwargs: dict, name: str, shapes: list[tuple] | None = None, finishing: Callable | None = None,
                   opaque: bool = False) -> Traced:
    """Runs ``fn`` in a frame of its own. Every Tensor in the arguments becomes an argument of the function, of its own shape or that in ``shapes``.

    ``finishing(frame, args, kwargs, output, results)`` is called before the function ends, with the arguments inside it and the values it will return.
    """
    capture = current_frame().capture
    frame = Frame(capture, capture.frame, name)
    outer: list = []
    formals: list = []

    def enter(leaf: Any) -> Any:
        if not isinstance(leaf, TensorBase):
            return leaf
        outer.append(leaf)
        formals.append(frame.formal(leaf, None if shapes is None else shapes[len(formals)]))
        return formals[-1]

    args, kwargs = map_leaves(enter, tuple(args)), map_leaves(enter, kwargs)
    entry = [formal._node.value for formal in formals]
    capture.stack.append(frame)
    try:
        output = fn(*args, **kwargs)
        leaves = tensor_leaves(output)  # a Tensor that is returned twice counts twice in a derivative
        results = [frame.value(leaf) for leaf in leaves]
        changed = [(o, f._node.value) for o, f, first in zip(outer, formals, entry) if f._node.value is not first]
        changed += [(tensor, frame.values[key]) for key, tensor in frame.written.items()]
        results += [value for _, value in changed]
        if finishing is not None:
            finishing(frame, args, kwargs, output, results)
        frame.function.finish(results, {})
    finally:
        frame.closed = True
        capture.stack.pop()
    return Traced(frame, output, leaves, outer, formals, [tensor for tensor, _ in changed], opaque)
