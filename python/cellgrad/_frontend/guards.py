"""What a capture read from Python, written down as guards: a later call may reuse the program while they hold.

Attribute reads are told by the hooks of ``hooks.py``. Globals, closure variables and attributes of modules are found in the bytecode of every user
function that is reached.
"""
from __future__ import annotations

import dis
from collections.abc import Callable
from types import BuiltinFunctionType, CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from .._runtime import _core
from .._runtime.dtype import DType
from .hooks import install, is_foreign, uninstall
from .locations import is_user_code

__all__ = ["Recorder"]

_SCALARS = (type(None), bool, int, float, complex, str, bytes)
_COMPARED_BYTES = 4096
_LONG = 64  # a container longer than this is compared by one snapshot instead of guard by guard


def _is_simple(value: Any) -> bool:
    return isinstance(value, _SCALARS) or (type(value) is tuple and all(_is_simple(v) for v in value))


class Recorder:
    """The guards of one capture."""

    def __init__(self) -> None:
        self._guards: dict[tuple, tuple] = {}
        self._classes: list[type] = []
        self._reached: dict[int, Any] = {}  # id -> function, container or object already looked at
        self._nested: set[int] = set()  # id of code objects that reached functions define inside
        self._assigned: dict[tuple[int, str], Any] = {}  # attributes that the program itself set before it read them

    @property
    def guards(self) -> tuple:
        return tuple(self._guards.values())

    def close(self) -> None:
        while self._classes:
            uninstall(self._classes.pop())

    # -- what the hooks see ---------------------------------------------------------------------------------------------
    def attribute(self, obj: Any, name: str, value: Any) -> None:
        """An attribute of a Cell or of an object of a user class was read."""
        if (id(obj), name) in self._assigned:
            return
        label = f"@{type(obj).__name__}.{name}"
        try:
            state = object.__getattribute__(obj, "__dict__")
        except AttributeError:
            state = None
        if state is not None and name in state:
            if state[name] is value:
                self._item(state, name, value, label)
            return
        for cls in type(obj).__mro__:
            if name in cls.__dict__:
                self._of_class(obj, cls, name, value, label)
                break

    def _of_class(self, obj: Any, owner: type, name: str, value: Any, label: str) -> None:
        """An attribute was found in a class: a method, a property, a plain value. It counts until the class or the object gets another."""
        found = owner.__dict__[name]
        cls = type(obj)
        if type(found).__name__ == "member_descriptor":  # a slot
            self._add(("attr", obj, name, value, label))
            self.reached(value)
            return
        if isinstance(found, (FunctionType, staticmethod, classmethod)):
            self.reached(getattr(found, "__func__", found))
        elif isinstance(found, property):
            if found.fget is not None:
                self.reached(found.fget)
        elif hasattr(type(found), "__get__"):
            return
        else:
            self.reached(value)
        if is_foreign(owner.__module__):
            return
        if isinstance(found, classmethod):  # read anew, it is a new object
            self._add(("python", lambda slots: owner.__dict__.get(name) is found, label))
        else:
            self._add(("attr", cls, name, getattr(cls, name), label))
        if not isinstance(found, property):
            try:
                self._add(("no_item", object.__getattribute__(obj, "__dict__"), name, label))
            except AttributeError:
                pass

    def assigned(self, obj: Any, name: str) -> None:
        """An attribute is set. What the program reads of it from here on is its own, unless it has read it before."""
        self._assigned[id(obj), name] = obj

    def content(self, tensor: Any) -> bool:
        """The elements of a Tensor from outside were read into Python: the program holds while they stay. False: too many to compare at each call."""
        if tensor.nbytes > _COMPARED_BYTES:
            return False
        then = bytes(tensor._storage)
        self._guards.setdefault(("content", id(tensor), None), ("python", lambda slots: bytes(tensor._storage) == then, "@elements of a Tensor"))
        return True

    def names_of(self, parameters: list) -> None:
        """The names of Parameters are part of the result."""
        for parameter in parameters:
            if hasattr(parameter, "_name"):
                self.field(parameter, "_name")

    def field(self, parameter: Any, name: str) -> None:
        """A field of a Parameter was read."""
        self._add(("attr", parameter, name, getattr(parameter, name), f"@{name.lstrip('_')} of a Parameter"))

    def missing(self, obj: Any, name: str) -> None:
        try:
            state = object.__getattribute__(obj, "__dict__")
        except AttributeError:
            return
        if (id(obj), name) not in self._assigned:
            self._add(("no_item", state, name, f"@{type(obj).__name__}.{name}"))

    # -- guards ---------------------------------------------------------------------------------------------------------
    def _add(self, guard: tuple) -> None:
        key = guard[2] if guard[0] in ("attr", "item", "no_item") else None
        self._guards.setdefault((guard[0], id(guard[1]), key), guard)

    def _item(self, container: Any, key: Any, value: Any, label: str) -> None:
        if ("item", id(container), key) in self._guards:
            return
        if isinstance(value, _core.TensorBase) and value._node is not None:
            return  # made by this capture
        self._add(("item", container, key, value, label))
        self.reached(value, label)

    def reached(self, value: Any, label: str = "@") -> None:
        """Looks into a value that the program can see. The value itself is guarded by whoever read it."""
        if _is_simple(value) or isinstance(value, (_core.TensorBase, DType, BuiltinFunctionType)) or id(value) in self._reached:
            return
        self._reached[id(value)] = value
        if isinstance(value, MethodType):
            self.reached(value.__self__, label)
            self.reached(value.__func__, label)
        elif isinstance(value, FunctionType):
            self._function(value)
        elif isinstance(value, (list, tuple, dict, set, frozenset)):
            self._container(value, label)
        elif isinstance(value, np.ndarray):
            copy = value.copy()
            self._add(("python", lambda slots, now=value, then=copy: now.shape == then.shape and now.dtype == then.dtype
                       and now.tobytes() == then.tobytes(), label))
        elif isinstance(value, (type, ModuleType)):
            return
        else:
            self._object(value)

    def _container(self, value: Any, label: str) -> None:
        if isinstance(value, (set, frozenset)):
            self._add(("python", lambda slots, now=value, then=frozenset(value): now == then, label))
            return
        if isinstance(value, tuple):
            for element in value:  # a tuple does not change, what it holds may
                self.reached(element, label)
            return
        if len(value) > _LONG:
            items = list(value.items()) if isinstance(value, dict) else list(value)
            self._add(("python", _unchanged(value, items), label))
        else:
            self._add(("len", value, len(value), label))
            pairs = value.items() if isinstance(value, dict) else enumerate(value)
            for key, element in pairs:
                self._item(value, key, element, f"{label}[{key!r}]")
        for element in (value.values() if isinstance(value, dict) else value):
            self.reached(element, label)

    def _object(self, value: Any) -> None:
        cls = type(value)
        if isinstance(value, _core.Dispatcher):
            self.reached(getattr(value, "_fn", None))
            return
        partial = getattr(value, "func", None) if cls.__name__ == "partial" else None
        if partial is not None:
            self.reached(partial)
            self.reached(value.args)
            self.reached(value.keywords)
            return
        if cls.__name__ in ("SimpleNamespace", "Namespace") and is_foreign(cls.__module__):
            self._container(value.__dict__, "@" + cls.__name__)
            return
        # Of the classes of cellgrad, a Cell is looked into (its base class has the hook for all of them).
        for base in cls.__mro__:
            if base.__module__ == "cellgrad.nn.cell" and base.__name__ == "Cell":
                cls = base
        if cls.__module__ != "cellgrad.nn.cell" and (is_foreign(cls.__module__) or not cls.__flags__ & (1 << 9)):
            return  # not a class written in Python by the user
        if cls not in self._classes and install(cls):
            self._classes.append(cls)
        call = cls.__dict__.get("__call__")
        if isinstance(call, FunctionType) and not is_foreign(cls.__module__):
            self.reached(call)

    def defines(self, code: CodeType) -> None:
        """Functions inside a converted function are made by this capture, as are those of the original."""
        for constant in code.co_consts:
            if isinstance(constant, CodeType) and id(constant) not in self._nested:
                self._nested.add(id(constant))
                self._reached[id(constant)] = constant
                self.defines(constant)

    # -- globals, closures, modules ---------------------------------------------------------------------------------------
    def _function(self, fn: FunctionType) -> None:
        wrapped = getattr(fn, "__wrapped__", None)
        if wrapped is not None:
            self.reached(wrapped)
        if is_foreign(fn.__module__) or not is_user_code(fn.__code__):
            return
        if fn.__defaults__:
            self._add(("attr", fn, "__defaults__", fn.__defaults__, f"@defaults of {fn.__qualname__}"))
            self.reached(fn.__defaults__)
        if fn.__kwdefaults__:
            self._add(("attr", fn, "__kwdefaults__", fn.__kwdefaults__, f"@defaults of {fn.__qualname__}"))
            self.reached(fn.__kwdefaults__, f"@defaults of {fn.__qualname__}")
        inner = id(fn.__code__) in self._nested  # defined while capturing: its cells belong to this capture
        if not inner:
            self._add(("attr", fn, "__code__", fn.__code__, f"@code of {fn.__qualname__}"))
        cells = {} if inner else dict(zip(fn.__code__.co_freevars, fn.__closure__ or ()))
        self._code(fn.__code__, fn.__globals__, cells)

    def _code(self, code: CodeType, scope: dict, cells: dict[str, CellType]) -> None:
        chain: Any = None  # the module that the last instruction loaded
        for instruction in dis.get_instructions(code):
            op, name = instruction.opname, instruction.argval
            if op in ("LOAD_ATTR", "LOAD_METHOD") and isinstance(chain, ModuleType):
                chain = self._module_attribute(chain, name)
                continue
            chain = None
            if op in ("LOAD_GLOBAL", "LOAD_NAME"):
                chain = self._global(scope, name)
            elif op in ("LOAD_DEREF", "LOAD_CLASSDEREF", "LOAD_CLOSURE", "LOAD_FROM_DICT_OR_DEREF") and name in cells:
                chain = self._cell(cells[name], name)
        for constant in code.co_consts:
            if isinstance(constant, CodeType):
                self._nested.add(id(constant))
                self._reached[id(constant)] = constant
                self._code(constant, scope, cells)

    def _global(self, scope: dict, name: str) -> Any:
        if name not in scope:
            return None
        value = scope[name]
        if isinstance(value, ModuleType):
            return value
        if isinstance(value, (FunctionType, type)) and is_foreign(value.__module__):
            return None
        self._item(scope, name, value, f"@global {name}")
        return None

    def _cell(self, cell: CellType, name: str) -> Any:
        try:
            value = cell.cell_contents
        except ValueError:
            return None
        if isinstance(value, ModuleType):
            return value
        if isinstance(value, _core.TensorBase) and value._node is not None:
            return None
        self._add(("cell", cell, value, f"@closure variable {name}"))
        self.reached(value, f"@{name}")
        return None

    def _module_attribute(self, module: ModuleType, name: str) -> Any:
        value = module.__dict__.get(name)
        if isinstance(value, ModuleType):
            return value
        if not is_foreign(module.__name__) and name in module.__dict__:
            self._item(module.__dict__, name, value, f"@{module.__name__}.{name}")
        return None


def _unchanged(container: Any, items: list) -> Callable[[Any], bool]:
    def same(a: Any, b: Any) -> bool:
        return a is b or (type(a) is type(b) and _is_simple(a) and a == b)

    def check(slots: Any) -> bool:
        now = list(container.items()) if isinstance(container, dict) else container
        if len(now) != len(items):
            return False
        if isinstance(container, dict):
            return all(k == k2 and same(v, v2) for (k, v), (k2, v2) in zip(now, items))
        return all(same(a, b) for a, b in zip(now, items))

    return check
