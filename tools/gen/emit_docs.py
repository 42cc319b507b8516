"""docs/ops.md: every op of the dialect with its meaning, an example and its derivative."""
from __future__ import annotations

from op_table import Op

TITLES = {"unary": "Elementwise", "float_unary": "Elementwise", "binary": "Elementwise", "elementwise": "Elementwise", "compare": "Comparisons and logic",
          "logical": "Comparisons and logic", "reduction": "Reductions", "structured": "Structured", "composite": "Composite",
          "non_differentiable": "Without derivative", "op": "Other", "effect": "Tapes, barriers and side effects", "function_derivative": "Functions made from functions"}


def _derivative(op: Op) -> str:
    if op.partials:
        names = [n for n, _ in op.operands]
        return ", ".join(f"`d/d{n} = {p}`" for n, p in zip(names, op.partials, strict=True) if p != "Expr()")
    if op.kind == "composite":
        return "that of its pieces, or a rule of its own"
    return "a rule in C++" if op.differentiable else "none"


def _section(op: Op) -> str:
    lines = [f"### `cell.{op.name}`", "", op.summary.rstrip(".") + "."]
    if op.description:
        lines += ["", op.description]
    operands = ", ".join(f"`{n}`" for n, _ in op.operands) or "none"
    lines += ["", f"Operands: {operands}."]
    if op.attributes:
        lines[-1] += " Attributes: " + ", ".join(f"`{n}` ({t})" for n, t in op.attributes) + "."
    lines += ["", f"Python: `ops.{op.python_name}`. Derivative: {_derivative(op)}." if op.python_name else f"Derivative: {_derivative(op)}."]
    lines += ["", "```mlir", op.example, "```", ""]
    return "\n".join(lines)


def emit(ops: list[Op]) -> str:
    """The Markdown text."""
    groups: dict[str, list[Op]] = {}
    for title in dict.fromkeys(TITLES.values()):
        groups[title] = [op for op in ops if TITLES[op.kind] == title]
    text = ["# The ops of the cell dialect", "", "Generated from the records in `dialect/Cell/*.td` by `tools/gen/op_table.py --docs`.", ""]
    for title, members in groups.items():
        if members:
            text += [f"## {title}", ""] + [_section(op) for op in members]
    return "\n".join(text)
