"""Functions of Tensors by MindSpore's names. Outside compiled functions they run at once, inside they become part of the program."""
from __future__ import annotations

from typing import Any

from . import activation, array_func, control_func, conv, creation, div_func, index_func, join_func, linalg, loss_func, math_func, norm_func, primitive, random_func, reduce
from . import state_func
from ._generated import *
from .activation import *
from .array_func import *
from .control_func import *
from .conv import avg_pool2d, conv2d, max_pool2d
from .creation import *
from .div_func import *
from .index_func import *
from .join_func import *
from .linalg import *
from .loss_func import *
from .math_func import *
from .norm_func import *
from .primitive import *
from .random_func import *
from .reduce import *
from .state_func import *

# The same functions under MindSpore's other names.
_ALIASES = {
    "absolute": "abs", "arccos": "acos", "arcsin": "asin", "arctan": "atan", "arctan2": "atan2", "arccosh": "acosh", "arcsinh": "asinh", "arctanh": "atanh",
    "negative": "neg", "subtract": "sub", "multiply": "mul", "eq": "equal", "ne": "not_equal", "lt": "less", "le": "less_equal", "gt": "greater",
    "ge": "greater_equal", "swapdims": "swapaxes",
}
globals().update({name: globals()[function] for name, function in _ALIASES.items()})

_FROM_FRONTEND = {
    "GradOperation": "grad_operation", "get_grad": "transforms", "grad": "transforms", "value_and_grad": "transforms", "vjp": "vjp", "jvp": "forward",
    "linearize": "forward", "jacfwd": "jacobians", "jacrev": "jacobians", "hessian": "jacobians", "derivative": "taylor", "jet": "taylor", "vmap": "vmap",
    "custom_vjp": "custom", "custom_jvp": "custom",
}


def __getattr__(name: str) -> Any:
    if name in _FROM_FRONTEND:
        import importlib

        value = globals()[name] = getattr(importlib.import_module(f"cellgrad._frontend.{_FROM_FRONTEND[name]}"), name)
        return value
    import difflib

    near = difflib.get_close_matches(name, [n for n in globals() if not n.startswith("_")], 1)
    raise AttributeError(f"cellgrad.ops has no '{name}'" + (f". Did you mean '{near[0]}'?" if near else ""))
