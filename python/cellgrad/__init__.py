"""cellgrad: MindSpore-style Cells, functions and their derivatives, compiled through MLIR.

``import cellgrad as ms``. Names are loaded when they are first used; the compiler (LLVM) when the first program is captured.
"""
from __future__ import annotations

import importlib
import importlib.util
from typing import TYPE_CHECKING, Any

from ._runtime.dtype import (
    DType, bfloat16, bool_, byte, complex64, complex128, double, dtype_to_nptype, dtype_to_pytype, float16, float32, float64, half, int8, int16, int32, int64,
    intc, intp, pytype_to_dtype, short, single, ubyte, uint8, uint16, uint32, uint64, uintc, uintp, ushort,
)
from .common.containers import mutable
from .common.parameter import Parameter, ParameterTuple
from .common.tensor import Tensor
from ._frontend.context import GRAPH_MODE, PYNATIVE_MODE, get_context, set_context, set_device

if TYPE_CHECKING:
    from . import amp, common, dtype, nn, ops, optim, runtime, train
    from ._frontend.jit import jit
    from ._compiler.loader_folder import write_loader
    from ._frontend.custom import custom_jvp, custom_vjp
    from ._frontend.export import export_programs
    from ._frontend.forward import jvp, linearize
    from ._frontend.jacobians import hessian, jacfwd, jacrev
    from ._frontend.recompute import checkpoint, recompute
    from ._frontend.transforms import get_grad, grad, value_and_grad
    from ._frontend.vjp import vjp
    from .common.seed import get_seed, set_seed

__version__ = "0.1.0"

_MODULES = ("amp", "common", "context", "device_context", "dtype", "nn", "ops", "optim", "runtime", "train")
_NAMES = {
    "jit": "._frontend.jit", "value_and_grad": "._frontend.transforms", "grad": "._frontend.transforms", "get_grad": "._frontend.transforms",
    "vjp": "._frontend.vjp", "jvp": "._frontend.forward", "linearize": "._frontend.forward", "jacfwd": "._frontend.jacobians",
    "jacrev": "._frontend.jacobians", "hessian": "._frontend.jacobians", "vmap": "._frontend.vmap",
    "custom_vjp": "._frontend.custom", "custom_jvp": "._frontend.custom", "checkpoint": "._frontend.recompute", "recompute": "._frontend.recompute",
    "saved": "._frontend.saved", "print_saved": "._frontend.saved",
    "export_programs": "._frontend.export", "write_loader": "._compiler.loader_folder",
    "set_seed": ".common.seed", "get_seed": ".common.seed",
    "save_checkpoint": ".train.serialization", "load_checkpoint": ".train.serialization", "load_param_into_net": ".train.serialization",
    "set_num_threads": ".runtime", "get_num_threads": ".runtime",
    "from_numpy": ".common.convert", "from_dlpack": ".common.convert", "tensor": ".common.convert", "is_tensor": ".common.convert",
}

__all__ = [*(name for name in globals() if not name.startswith("_") and name not in ("annotations", "importlib", "TYPE_CHECKING", "Any")), *_NAMES, "nn", "ops"]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        value = getattr(importlib.import_module(_NAMES[name], __name__), name)
    elif name in _MODULES and importlib.util.find_spec(f"{__name__}.{name}") is not None:
        value = importlib.import_module(f".{name}", __name__)
    else:
        import difflib

        near = difflib.get_close_matches(name, [n for n in __dir__() if not n.startswith("_")], 1)
        raise AttributeError(f"module 'cellgrad' has no attribute '{name}'" + (f". Did you mean '{near[0]}'?" if near else ""))
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_NAMES, *_MODULES})
