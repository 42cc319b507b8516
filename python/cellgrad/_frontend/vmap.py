"""``vmap``: a function of one example, applied to every example of a batch.

The function is traced with the shapes of one example into a frame of its own; one ``cell.vmap`` of it stands for the batch, which the compiler writes out with
one large operation for each operation of the function.
"""
from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from .. import _errors as err
from .._runtime import _core
from . import locations, trace
from .batch_axes import Axes, check_axes, flatten_axes, flatten_output, in_range
from .checks import check_callable
from .dispatch import as_tensor, dispatch
from .hooks import active_recorder
from .jit import AS_WRITTEN, Compiled, bind_or_raise, name_of, run_function
from .structure import map_leaves, tensor_leaves
from .transforms import deferred

__all__ = ["vmap"]

TensorBase = _core.TensorBase


def vmap(fn: Any, in_axes: Axes = 0, out_axes: Axes = 0, *, randomness: str = "same") -> Callable:
    """A function that applies ``fn`` to every example of a batch, as one program without a loop.

    Args:
        fn: a function of one example: a function, a Cell, or a ``CellList`` of Cells of one structure (model ensembling): then the batch runs over the models, each
            with its own Parameters.
        in_axes: where the batch is in the arguments: an int for all of them, or a tuple or list with one entry per positional argument. An entry is an int
            (negative ones count from the end), None for an argument that all examples share, or a tuple, list or dict in the structure of the argument. Keyword
            arguments are batched along axis 0. What is neither Tensor nor number is the same for all examples; a number wants None.
        out_axes: where the batch goes in the outputs: an int for all of them, or a structure of ints as the output has. None is for an output that does not depend on
            the batch: it is returned once.
        randomness: ``"same"``: all examples draw the same random numbers, those of a single call; ``"different"``: each draws its own.

    Returns:
        A function of batched arguments. Its outputs are the outputs of ``fn`` for every example, stacked: shape ``(size, *shape)`` with ``out_axes=0``. Numbers that
        ``fn`` returns become Tensors.

    Derivatives go through it in both directions: ``grad(vmap(f))``, ``vmap(grad(f))`` (gradients per example), nested vmaps. Parameters that ``fn`` uses are
    shared by all examples; it may assign to them only what does not depend on the batch. Where a condition of ``if`` or ``while`` depends on the example, both branches are
    computed for all, and a loop goes on while any example does. ``print`` shows the whole batch; ``assert`` must hold for every example.

    Raises:
        TypeError: ``fn`` is not callable.
        ValueError: ``randomness`` is neither word.
        RuntimeError: axes that are no int, None or structure of them; at the call: an axis out of range, an axis for a number, sizes of the batch that differ, no batched argument at all,
            axes in another structure than arguments or outputs, a value with one entry per example where ``out_axes`` is None or that is assigned to a Parameter.

    Examples:
        >>> matvec = vmap(lambda m, v: ops.sum(m * v, 1), in_axes=(0, None))
        >>> print(matvec(Tensor([[[1.0, 2.0]], [[3.0, 4.0]]]), Tensor([1.0, 1.0])))
        [[3.]
         [7.]]
    """
    check_callable(fn)
    check_axes("in_axes", in_axes)
    check_axes("out_axes", out_axes)
    if randomness not in ("same", "different"):
        raise err.UserValueError(f"vmap: randomness is {randomness!r}, but should be 'same' or 'different'")
    if in_axes is None and not _is_list(fn):
        raise err.GradError("The 'in_axes' of 'vmap' cannot be a single None while 'fn' is not a 'CellList'.", hint="name the arguments that are batches")

    def make(reference: Callable) -> Compiled:
        def traced(*args: Any, **kwargs: Any) -> Any:
            return _Call(reference(), args, kwargs, in_axes, randomness == "different").emit(out_axes)

        return Compiled(reference, traced, AS_WRITTEN, traced)

    return deferred(fn, ("vmap", repr(in_axes), repr(out_axes), randomness), make)


def _is_list(fn: Any) -> bool:
    from ..nn.container import CellList

    return isinstance(fn, CellList)


class _Call:
    """One call of a batched function inside a capture."""

    def __init__(self, fn: Any, args: tuple, kwargs: dict, in_axes: Axes, own_random: bool) -> None:
        self.models = _Models(fn) if _is_list(fn) else None
        self.body = fn if self.models is None else self.models.cells[0]
        self.args, self.kwargs, self.own_random = args, kwargs, own_random
        bind_or_raise(self.body, args, kwargs)
        self.leaves = tensor_leaves(args) + tensor_leaves(kwargs)
        wanted = flatten_axes("in_axes", in_axes, args, in_axes) + [0] * len(tensor_leaves(kwargs))
        self.axes = [in_range("in_axes", axis, leaf.ndim) for axis, leaf in zip(wanted, self.leaves)]
        self.size = self._size(in_axes)

    def _size(self, in_axes: Axes) -> int:
        sizes = {} if self.models is None else {len(self.models.cells): f"{len(self.models.cells)} models"}
        for leaf, axis in zip(self.leaves, self.axes):
            if axis is not None:
                sizes.setdefault(leaf.shape[axis], f"{leaf.shape[axis]} along axis {axis} of shape {leaf.shape}")
        if len(sizes) > 1:
            a, b = list(sizes)[:2]
            raise err.GradError(f"The 'axis_size' of each argument in the scope of 'vmap' should be equal, but got {a} and {b}.",
                                hint=f"{name_of(self.body)} was called with batches of " + " and ".join(sizes.values()))
        if not sizes:
            raise err.GradError(f"The 'in_axes' of 'vmap' cannot be all None while 'fn' is not a 'CellList', but got {in_axes!r}.",
                                hint=f"none of the arguments of {name_of(self.body)} is a batch")
        return next(iter(sizes))

    def emit(self, out_axes: Axes) -> Any:
        """The batched call, in the current frame; its output."""
        parent = trace.current_frame()
        shapes = [leaf.shape if axis is None else leaf.shape[:axis] + leaf.shape[axis + 1:] for leaf, axis in zip(self.leaves, self.axes)]

        def run(*args: Any, **kwargs: Any) -> Any:
            return map_leaves(lambda leaf: as_tensor(leaf) if isinstance(leaf, (int, float)) else leaf, run_function(self.body, args, kwargs))

        traced = trace.trace_function(run, self.args, self.kwargs, name_of(self.body), shapes)
        wanted = flatten_output(out_axes, traced.output)
        outs = [in_range("out_axes", axis, leaf.ndim + 1) for axis, leaf in zip(wanted, traced.leaves)]
        axis_of = {id(leaf): axis for leaf, axis in zip(self.leaves, self.axes)}
        outs += [0 if self._models_of(t) else axis_of.get(id(t)) for t in traced.writes]
        lifted = [(t, self._models_of(t)) for t in traced.frame.lifted]
        operands = [parent.value(t) for t in self.leaves] + [parent.value(models.stacked(t) if models else t) for t, models in lifted]
        ins = self.axes + [0 if models else None for _, models in lifted]
        values = parent.function.vmap(traced.frame.function, operands, _numbers(ins), _numbers(outs), self.size, locations.location(parent.capture),
                                      own_random=self.own_random, written=[_label(t) for t in traced.writes])
        for tensor, value in zip(traced.writes, values[len(traced.leaves):]):
            models = self._models_of(tensor)
            if models:
                models.write(tensor, parent.tensor(value))
            else:
                parent.write(tensor, value)
        rest: Iterator = iter(values)
        return map_leaves(lambda leaf: parent.tensor(next(rest)) if isinstance(leaf, TensorBase) else leaf, traced.output)

    def _models_of(self, tensor: Any) -> _Models | None:
        return self.models if self.models is not None and id(tensor) in self.models.members else None


def _numbers(axes: list) -> list[int]:
    return [-1 if axis is None else axis for axis in axes]


def _label(tensor: Any) -> str:
    name = getattr(tensor, "name", None)
    return f"Parameter '{name}'" if isinstance(name, str) else f"a Tensor of shape {tuple(tensor.shape)} from outside"


class _Models:
    """The Cells of a CellList, of which the first is traced with the stacked Parameters of all."""

    def __init__(self, cells: Any) -> None:
        self.cells = list(cells)
        if not self.cells:
            raise err.GradError("In the model ensembling parallel training scenario ('VmapOperation' arg0 is a 'CellList'), the size of 'CellList' must be "
                                "greater than 1, but got 0.")
        recorder = active_recorder()
        if recorder is not None:
            for _, cell in cells.cells_and_names():
                recorder.reached(cell.__dict__.get("_params"), "@models")
                recorder.reached(cell.__dict__.get("_cells"), "@models")
        lists = [list(cell.parameters_and_names()) for cell in self.cells]
        first = [(path, p.shape, p.dtype) for path, p in lists[0]]
        for cell, parameters in zip(self.cells, lists):
            if type(cell) is not type(self.cells[0]) or [(path, p.shape, p.dtype) for path, p in parameters] != first:
                raise err.GradError(f"vmap: the models of a CellList must have one class and equal Parameters, but {type(cell).__name__} differs from "
                                    f"{type(self.cells[0]).__name__}", hint="compare their parameters_dict(): names, shapes and dtypes")
        columns = [[p for _, p in column] for column in zip(*lists)]
        # A Parameter that all models share is no batch.
        self.members = {id(column[0]): column for column in columns if any(p is not column[0] for p in column)}

    def stacked(self, tensor: Any) -> Any:
        rows = tuple(dispatch("reshape", (p,), {"shape": (1, *p.shape)}) for p in self.members[id(tensor)])
        return dispatch("concat", rows, {"axis": 0})

    def write(self, tensor: Any, values: Any) -> None:
        frame = trace.current_frame()
        for i, parameter in enumerate(self.members[id(tensor)]):
            row = dispatch("slice", (values,), {"starts": (i,) + (0,) * tensor.ndim, "limits": (i + 1, *tensor.shape), "strides": (1,) * (tensor.ndim + 1)})
            frame.write(parameter, frame.value(dispatch("reshape", (row,), {"shape": tuple(tensor.shape)})))
