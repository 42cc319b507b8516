"""nn.Cell: a module with Parameters, child Cells and a ``construct`` method."""
from __future__ import annotations

import difflib
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any

from .._frontend.jit import call_cell
from .._runtime import dtype as dt
from ..common.parameter import Parameter, ParameterTuple
from ..common.tensor import Tensor

__all__ = ["Cell"]

# MindSpore's Cell has these; asked for, they say what is missing instead of "no attribute".
_ABSENT = {
    "register_forward_pre_hook": "compute on the inputs at the start of construct",
    "register_forward_hook": "compute on the result at the end of construct",
    "register_backward_pre_hook": "define bprop on the Cell",
    "register_backward_hook": "define bprop on the Cell",
    "set_mixed_precision_type": "call to_float",
    "shard": "run the Cell on one device",
    "register_buffer": "use a Parameter with requires_grad=False",
    "compile": "decorate the function with jit, it compiles at its first call",
}


class Cell:
    """Base class of layers, networks, losses and optimizers.

    A subclass calls ``super().__init__()`` first, assigns Parameters and child Cells to attributes and defines ``construct``.
    Calling the Cell runs ``construct``. A Parameter is named by its path of attributes: ``fc1.weight``.

    Args:
        auto_prefix: whether the Parameters of child Cells get the child's attribute name as prefix.
        flags: attributes to set on the Cell, a dict.

    Raises:
        AttributeError: a Parameter or Cell is assigned before ``super().__init__()``; an attribute does not exist.

    Examples:
        >>> class Net(nn.Cell):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.fc = nn.Dense(2, 1)
        ...     def construct(self, x):
        ...         return ops.relu(self.fc(x))
        >>> [p.name for p in Net().trainable_params()]
        ['fc.weight', 'fc.bias']
    """

    def __init__(self, auto_prefix: bool = True, flags: dict[str, Any] | None = None) -> None:
        state = self.__dict__
        state["_params"] = {}
        state["_cells"] = {}
        state["_auto_prefix"] = bool(auto_prefix)
        state["_param_prefix"] = ""
        state["training"] = False
        state["requires_grad"] = False
        state["_recompute"] = False
        # The dtype in which it computes (False: that of its operands, whatever its caller has), and that of its results; None leaves both alone.
        state["_precision"] = state["_result_dtype"] = None
        for name, value in (flags or {}).items():
            setattr(self, name, value)

    # -- attributes -------------------------------------------------------------------------------------------------------

    def _registry(self, kind: str, what: str) -> dict[str, Any]:
        found = self.__dict__.get(kind)
        if found is None:
            raise AttributeError(f"For '{type(self).__name__}', call super().__init__() before assigning {what} to the Cell.")
        return found

    # Parameters and child Cells live in the instance dictionary like every attribute, so that capture can guard each read by one
    # dictionary lookup; _params and _cells list them beside it.

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise AttributeError(self._missing(name))

    def _missing(self, name: str) -> str:
        text = f"The '{type(self).__name__}' object has no attribute '{name}'"
        if "_params" not in self.__dict__:
            return text + "; was super().__init__() called in its __init__?"
        if name in _ABSENT:
            return f"{text}: cellgrad's Cell does not have it yet; instead, {_ABSENT[name]}."
        near = difflib.get_close_matches(name, [n for n in dir(self) if not n.startswith("_")], 1, 0.6)
        return text + (f". Did you mean '{near[0]}'?" if near else ".")

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Parameter):
            self._registry("_params", "Parameters")
            self._free(name, "_params")
            self.insert_param_to_cell(name, value)
        elif isinstance(value, Cell):
            self._registry("_cells", "Cells")
            self._free(name, "_cells")
            self.insert_child_to_cell(name, value)
        elif isinstance(value, ParameterTuple):
            params = self._registry("_params", "Parameters")
            for param in value:
                if params.get(param.name, param) is not param:
                    raise ValueError(f"For '{type(self).__name__}', the Parameter '{param.name}' of the ParameterTuple '{name}' has the name of "
                                     "another Parameter of the Cell; give them different names.")
                params[param.name] = param
                # Listed under its name, and an attribute too where the name is free: a Parameter called like a method must not hide it.
                if not hasattr(self, param.name):
                    self.__dict__[param.name] = param
            object.__setattr__(self, name, value)
        else:
            self._set_plain(name, value)

    def _free(self, name: str, keep: str) -> None:
        """Forgets an attribute of another kind before a Parameter or Cell takes its name."""
        if name not in self.__dict__[keep]:
            self.__dict__.pop(name, None)
            self._params.pop(name, None)
            self._cells.pop(name, None)

    def _set_plain(self, name: str, value: Any) -> None:
        params, cells = self.__dict__.get("_params", {}), self.__dict__.get("_cells", {})
        if name in params:
            if value is None:
                self.insert_param_to_cell(name, None)
            elif params[name] is None:
                del params[name]
                object.__setattr__(self, name, value)
            elif isinstance(value, Tensor):
                params[name].set_data(value)
            else:
                raise TypeError(f"For '{type(self).__name__}', the attribute '{name}' is a Parameter; assign a Parameter, a Tensor or None, "
                                f"not {type(value).__name__}.")
        elif name in cells and value is not None and cells[name] is not None:
            raise TypeError(f"For '{type(self).__name__}', the attribute '{name}' is a Cell; assign a Cell or None, not {type(value).__name__}.")
        elif name in cells and value is None:
            self.insert_child_to_cell(name, None)
        elif name in cells:
            del cells[name]
            object.__setattr__(self, name, value)
        else:
            object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        if name not in self.__dict__:
            raise AttributeError(self._missing(name))
        self.__dict__.get("_params", {}).pop(name, None)
        self.__dict__.get("_cells", {}).pop(name, None)
        object.__delattr__(self, name)

    def insert_param_to_cell(self, param_name: str, param: Parameter | None, check_name_contain_dot: bool = True) -> None:
        """Adds a Parameter under an attribute name; an unnamed Parameter takes that name.

        Raises:
            TypeError: the name is not a str or the value is not a Parameter.
            KeyError: the name is empty, contains a dot or is that of another attribute.
        """
        if not isinstance(param_name, str):
            raise TypeError(f"For 'insert_param_to_cell', 'param_name' must be a str, got {type(param_name).__name__}.")
        params = self._registry("_params", "Parameters")
        if not param_name or (check_name_contain_dot and "." in param_name):
            raise KeyError(f"For 'insert_param_to_cell', 'param_name' must not be empty or contain '.', got '{param_name}'.")
        if param_name not in params and param_name in self.__dict__:
            raise KeyError(f"For 'insert_param_to_cell', '{param_name}' is already another attribute of {type(self).__name__}.")
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(f"For 'insert_param_to_cell', 'param' must be a Parameter or None, got {type(param).__name__}.")
        if param is not None and not param.has_own_name:
            param.name = param_name
        params[param_name] = self.__dict__[param_name] = param

    def insert_child_to_cell(self, child_name: str, child_cell: Cell | None) -> None:
        """Adds a child Cell under an attribute name; with ``auto_prefix`` its Parameters get that name as prefix.

        Raises:
            TypeError: the name is not a str or the value is not a Cell.
            KeyError: the name is empty, contains a dot or is that of another attribute.
        """
        if not isinstance(child_name, str):
            raise TypeError(f"For 'insert_child_to_cell', 'child_name' must be a str, got {type(child_name).__name__}.")
        cells = self._registry("_cells", "Cells")
        if not child_name or "." in child_name:
            raise KeyError(f"For 'insert_child_to_cell', 'child_name' must not be empty or contain '.', got '{child_name}'.")
        if child_name not in cells and child_name in self.__dict__:
            raise KeyError(f"For 'insert_child_to_cell', '{child_name}' is already another attribute of {type(self).__name__}.")
        if child_cell is not None and not isinstance(child_cell, Cell):
            raise TypeError(f"For 'insert_child_to_cell', 'child_cell' must be a Cell or None, got {type(child_cell).__name__}.")
        if child_cell is self or child_cell is not None and any(c is self for _, c in child_cell.cells_and_names()):
            raise ValueError(f"For '{type(self).__name__}', a Cell cannot contain itself (attribute '{child_name}').")
        if child_cell is not None and self._auto_prefix:
            child_cell.update_parameters_name(child_name + ".")
        cells[child_name] = self.__dict__[child_name] = child_cell

    # -- call -------------------------------------------------------------------------------------------------------------

    def construct(self, *args: Any, **kwargs: Any) -> Any:
        """The computation of the Cell. Every subclass defines its own.

        Raises:
            AttributeError: the subclass has none.
        """
        raise AttributeError(f"For '{type(self).__name__}', the method 'construct' is not defined.")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return call_cell(self, args, kwargs)

    # -- Parameters and child Cells -----------------------------------------------------------------------------------------

    def cells_and_names(self, cells: Any = None, name_prefix: str = "") -> Iterator[tuple[str, Cell]]:
        """(path, Cell) of this Cell, whose path is the prefix, and of all Cells below it, depth first, each once."""
        yield from self._walk(name_prefix, set())

    def _walk(self, prefix: str, seen: set[int]) -> Iterator[tuple[str, Cell]]:
        if id(self) in seen:
            return
        seen.add(id(self))
        yield prefix, self
        for name, child in getattr(self, "_cells", {}).items():  # a read that capture sees
            if child is not None:
                yield from child._walk(f"{prefix}.{name}" if prefix else name, seen)

    def parameters_and_names(self, name_prefix: str = "", expand: bool = True) -> Iterator[tuple[str, Parameter]]:
        """(path of attributes, Parameter) of this Cell and, with ``expand``, of all Cells below it; each Parameter once."""
        seen: set[int] = set()
        for path, cell in self.cells_and_names(name_prefix=name_prefix) if expand else [(name_prefix, self)]:
            for name, param in getattr(cell, "_params", {}).items():
                if param is not None and id(param) not in seen:
                    seen.add(id(param))
                    yield (f"{path}.{name}" if path else name), param

    def get_parameters(self, expand: bool = True) -> Iterator[Parameter]:
        """The Parameters of this Cell and, with ``expand``, of all Cells below it."""
        for _, param in self.parameters_and_names(expand=expand):
            yield param

    def trainable_params(self, recurse: bool = True) -> list[Parameter]:
        """The Parameters with ``requires_grad``."""
        return [p for p in self.get_parameters(recurse) if p.requires_grad]

    def untrainable_params(self, recurse: bool = True) -> list[Parameter]:
        """The Parameters without ``requires_grad``, moving averages for example."""
        return [p for p in self.get_parameters(recurse) if not p.requires_grad]

    def parameters_dict(self, recurse: bool = True) -> OrderedDict[str, Parameter]:
        """Parameters by ``name``."""
        return OrderedDict((p.name, p) for p in self.get_parameters(recurse))

    def check_names(self) -> None:
        """Raises ValueError where two Parameters have the same name."""
        seen: dict[str, str] = {}
        for path, param in self.parameters_and_names():
            if param.name in seen:
                raise ValueError(f"The Parameters '{seen[param.name]}' and '{path}' of '{type(self).__name__}' have the same name '{param.name}'; "
                                 "give one of them another name.")
            seen[param.name] = path

    def update_parameters_name(self, prefix: str = "", recurse: bool = True) -> None:
        """Names every Parameter ``prefix`` + its path below this Cell."""
        if not isinstance(prefix, str):
            raise TypeError(f"For 'update_parameters_name', 'prefix' must be a str, got {type(prefix).__name__}.")
        for path, param in list(self.parameters_and_names(expand=recurse)):
            param.name = prefix + path
        if prefix and recurse:
            for path, cell in self.cells_and_names(name_prefix=prefix.rstrip(".")):
                cell.__dict__["_param_prefix"] = path

    def name_cells(self) -> OrderedDict[str, Cell]:
        """The direct children by attribute name, each once."""
        seen: dict[int, str] = {}
        for name, child in self._cells.items():
            if child is not None:
                seen.setdefault(id(child), name)
        return OrderedDict((name, self._cells[name]) for name in seen.values())

    def cells(self) -> Any:
        """The direct children, each once."""
        return self.name_cells().values()

    def get_sub_cell(self, target: str) -> Cell:
        """The Cell at a path such as ``"block.0"``; ``""`` is this Cell.

        Raises:
            AttributeError: there is no Cell at that path.
        """
        cell = self
        for name in target.split(".") if target else ():
            child = getattr(cell, name)
            if not isinstance(child, Cell):
                raise AttributeError(f"'{name}' in '{target}' is not a Cell but {type(child).__name__}.")
            cell = child
        return cell

    def apply(self, fn: Callable[[Cell], Any]) -> Cell:
        """Calls ``fn`` with every Cell below this one, then with this one; gives this Cell."""
        for child in self.cells():
            child.apply(fn)
        fn(self)
        return self

    # -- state ------------------------------------------------------------------------------------------------------------

    @property
    def cls_name(self) -> str:
        return type(self).__name__

    @property
    def param_prefix(self) -> str:
        """The path of this Cell in the network it was assigned to, ``""`` at the top."""
        return self._param_prefix

    def set_train(self, mode: bool = True) -> Cell:
        """Sets ``training`` of this Cell and of all Cells below it (dropout and batch normalisation ask for it); gives this Cell.

        Raises:
            TypeError: the mode is not a bool.
        """
        if not isinstance(mode, bool):
            raise TypeError(f"For 'set_train', 'mode' must be a bool, got {type(mode).__name__}.")
        for _, cell in self.cells_and_names():
            cell.training = mode
        return self

    def set_grad(self, requires_grad: bool = True) -> Cell:
        """Sets ``requires_grad`` of this Cell. value_and_grad does not need it; it is there for MindSpore's programs."""
        if not isinstance(requires_grad, bool):
            raise TypeError(f"For 'set_grad', 'requires_grad' must be a bool, got {type(requires_grad).__name__}.")
        self.requires_grad = requires_grad
        return self

    def recompute(self, *, use_reentrant: bool = True, output_recompute: bool = False, early_stop: bool = True, context_fn: Any = None, **kwargs: Any) -> None:
        """From here on a derivative computes this Cell again instead of saving its values.

        Args:
            use_reentrant, output_recompute, early_stop, kwargs: accepted as MindSpore has them (``mp_comm_recompute``, ``parallel_optimizer_comm_recompute``,
                ``recompute_slice_activation``); the program is the same.
            context_fn: must be None.

        Raises:
            ValueError: another keyword, or ``context_fn``.
        """
        for key in kwargs:
            if key not in ("mp_comm_recompute", "parallel_optimizer_comm_recompute", "recompute_slice_activation"):
                raise ValueError(f"For 'recompute', the keyword '{key}' is not recognized.")
        if context_fn is not None:
            raise ValueError("For 'recompute', context_fn is not supported: leave it out.")
        self._recompute = True

    def to_float(self, dst_type: Any) -> Cell:
        """From here on this Cell and all Cells below it compute in a float dtype; gives this Cell.

        Float inputs are cast when the Cell is called, and float operands of each op in ``construct`` (Parameters and other Tensors, too) where they have another
        dtype. Parameters keep theirs, so that an optimizer updates them exactly, and their gradients come back in it. Integers and bools stay as they are, and
        so does the result: it has the dtype in which it was computed. The Cell runs as a compiled program, in PYNATIVE mode as well. A later call replaces the
        setting; optimizers below are left out.

        Args:
            dst_type: ``float16``, ``bfloat16`` or ``float32``.

        Raises:
            ValueError: another dtype.

        Examples:
            >>> net = nn.Dense(3, 2).to_float(ms.float16)
            >>> print(net(ops.ones((1, 3), ms.float32)).dtype, net.weight.dtype)
            Float16 Float32
        """
        if dst_type not in (dt.float16, dt.float32, dt.bfloat16):
            raise ValueError("For 'to_float', the argument 'dst_type' must be mstype.float32, mstype.float16 or mstype.bfloat16, "
                             f"but got type: {type(dst_type)} and value: {dst_type}.")
        for _, cell in self.cells_and_names():
            if cell._precision is not False:
                cell._precision = dst_type
        return self

    # -- text -------------------------------------------------------------------------------------------------------------

    def extend_repr(self) -> str:
        """What a subclass shows of its own settings in ``repr``."""
        return ""

    def __repr__(self) -> str:
        extra = self.extend_repr()
        children = []
        for name, child in self.__dict__.get("_cells", {}).items():
            text = repr(child).replace("\n", "\n  ")
            children.append(f"\n  ({name}): {text}")
        if not children:
            return f"{type(self).__name__}({extra})"
        return f"{type(self).__name__}({chr(10) + '  ' + extra if extra else ''}{''.join(children)}\n)"
