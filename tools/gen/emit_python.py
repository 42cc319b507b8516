"""Python wrappers of the plain elementwise ops, with docstrings from their records."""
from __future__ import annotations

import textwrap

from op_table import Op

#: Written by hand in cellgrad/ops because their Python signature says more than the op's operands.
HAND_WRITTEN = {"relu", "round", "div", "gelu", "pow"}
#: MindSpore's argument names, where they are not (input) or (input, other).
ARGUMENTS = {"sqrt": ("x",)}
#: kind -> (helper of the frontend, words on the operands, word on the result)
KINDS = {
    "float_unary": ("float_unary", "Tensor or number. Integers and bools are computed in float32", "Tensor of the same shape and of a float dtype"),
    "unary": ("unary", "Tensor or number", "Tensor of the same shape and dtype"),
    "binary": ("binary", "Tensors or numbers, promoted to one dtype and broadcast to one shape", "Tensor of the common shape and dtype"),
    "compare": ("compare", "Tensors or numbers, promoted to one dtype and broadcast to one shape", "bool Tensor of the common shape"),
    "logical": ("logical", "Tensors or bools, converted to bool and broadcast to one shape", "bool Tensor of the common shape"),
}
FLOAT_BINARY = {"atan2"}


def plain(op: Op) -> bool:
    """Whether the wrapper of an op is generated."""
    return bool(op.python_name) and (op.kind in KINDS or op.name in FLOAT_BINARY) and not op.attributes and op.name not in HAND_WRITTEN


def _wrapper(op: Op) -> str:
    helper, operands, result = KINDS["binary" if op.name in FLOAT_BINARY else op.kind]
    if op.name in FLOAT_BINARY:
        helper = "float_binary"
    names = ARGUMENTS.get(op.name) or (("input",) if len(op.operands) == 1 else ("input", "other"))
    first = op.summary if op.summary.endswith(".") else op.summary + "."
    lines = [first, ""]
    if op.description:
        lines += textwrap.wrap(op.description, 110) + [""]
    lines += ["Args:", f"    {', '.join(names)}: {operands}.", "", "Returns:", f"    {result}."]
    if op.partials:
        # The records write derivatives over the operands' names in the dialect.
        dialect = [n for n, _ in op.operands]
        rules = ", ".join(f"d/d{n} = {p}" for n, p in zip(dialect, op.partials, strict=True))
        lines += ["    Derivative: " + rules + "."]
    lines += ["", "Raises:", "    TypeError: an operand is neither a Tensor nor a number, or has a dtype that the op does not take."]
    if len(names) == 2:
        lines += ["    ValueError: the shapes do not broadcast."]
    doc = textwrap.indent("\n".join(lines), "    ").strip().replace("\\", "\\\\")
    body = "\n".join(line.rstrip() for line in f'    """{doc}\n    """'.splitlines())
    return f'def {op.python_name}({", ".join(n + ": Any" for n in names)}) -> Tensor:\n{body}\n    return {helper}("{op.name}", {", ".join(names)})\n'


def emit(ops: list[Op]) -> str:
    """The text of cellgrad/ops/_generated.py."""
    chosen = [op for op in ops if plain(op)]
    names = ",\n           ".join(f'"{op.python_name}"' for op in chosen)
    helpers = sorted({KINDS[op.kind][0] for op in chosen if op.kind in KINDS})
    float_binary = "from ._helpers import float_binary\n" if any(op.name in FLOAT_BINARY for op in chosen) else ""
    head = ('"""Plain elementwise ops. Generated from dialect/Cell/ElementwiseOps.td by tools/gen/op_table.py; do not edit."""\n'
            "from __future__ import annotations\n\nfrom typing import Any\n\n"
            f"from .._frontend.dispatch import {', '.join(helpers)}\nfrom ..common.tensor import Tensor\n{float_binary}\n"
            f"__all__ = [{names}]\n\n\n")
    return head + "\n\n".join(_wrapper(op) for op in chosen)
