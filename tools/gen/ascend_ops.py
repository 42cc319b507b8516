#!/usr/bin/env python3
"""Writes docs/ascend-ops.md: on which cores of the accelerator each op and its gradient run. ``python tools/gen/ascend_ops.py`` (a test compares)."""
from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "ascend-ops.md"
sys.path.insert(0, str(ROOT / "test" / "python" / "ops"))

import images  # noqa: E402
import numpy as np  # noqa: E402
import table  # noqa: E402

import cellgrad as ms  # noqa: E402
from cellgrad import ops  # noqa: E402
from cellgrad._errors import UnsupportedError  # noqa: E402

DTYPES = ("float32", "float16")
HEAD = """# Where ops run on the accelerator

Written by `python tools/gen/ascend_ops.py` from the op table of the tests, for {chip}; a test compares. Each op and the gradient of its weighted sum are compiled for the shapes
of the table, and the cores that their kernels need are listed:

* **aiv**: vector cores. **aic**: cube cores.
* **aicpu**: plain loops on the device's general cores: right, but slow. `remarks()` of a program says why.
* **-**: no kernel is needed (shapes only, or a constant); an empty field: the op has no such dtype or no derivative.
* **not on this target**: it cannot be compiled; the error names the line.

Numbers of all of them are checked on the simulator by the same tests as on the CPU.

"""


def _sample(row: Any, dtype: str) -> list[ms.Tensor]:
    random = np.random.default_rng(0)
    found = []
    for k, shape in enumerate(row.shapes):
        mine = row.dtype_of.get(k, dtype)
        values = random.uniform(*row.domains[k], shape)
        if mine == "bool_":
            values = values > sum(row.domains[k]) / 2
        elif not mine.startswith(("float", "bfloat")):
            values = np.floor(np.abs(values))
        found.append(ms.Tensor(values, getattr(ms, mine)))
    return found


def _cores(fn: Any, xs: list[ms.Tensor]) -> str:
    try:
        program = ms.jit(fn).lower(*xs, target="ascend")
    except UnsupportedError:
        return "not on this target"
    return ", ".join(sorted({kernel.core for kernel in program.kernels()} if program else ())) or "-"


def _row(row: Any) -> list[str]:
    """Forward and gradient of each dtype; of an op without these, those of its first one."""
    dtypes = [d if d in row.dtypes else "" for d in DTYPES]
    if not any(dtypes):
        dtypes[0] = row.dtypes[-1]
    cells = []
    for dtype in dtypes:
        if not dtype:
            cells += ["", ""]
            continue
        xs = _sample(row, dtype)
        cells.append(_cores(lambda *a: row.call(ops, *a), xs))
        cells.append(_cores(_gradient(row, xs), xs) if row.derivative and dtype.startswith("float") else "")
    return cells


def _gradient(row: Any, xs: list[ms.Tensor]) -> Any:
    """Of a sum in which every element of the result has a weight of its own."""
    weights = ms.Tensor(np.random.default_rng(1).standard_normal(row.call(ops, *xs).shape), ms.float32)
    return ms.grad(lambda *a: ops.sum(row.call(ops, *a) * weights), row.differentiable or tuple(range(len(row.shapes))))


def page(rows: list[Any] | None = None) -> str:
    """The text of the page."""
    lines, counts = [], [Counter() for _ in range(2 * len(DTYPES))]
    for row in sorted(rows or table.ROWS + images.ROWS, key=str):
        cells = _row(row)
        for count, cell in zip(counts, cells):
            if cell:
                count["aicpu" if "aicpu" in cell else cell if cell in ("-", "not on this target") else "aiv, aic"] += 1
        lines.append(f"| `{row}` | " + " | ".join(cells) + " |")
    titles = [f"{dtype}, {what}" for dtype in DTYPES for what in ("forward", "gradient")]
    kinds = ("aiv, aic", "aicpu", "-", "not on this target")
    summary = [f"| {title} | " + " | ".join(str(count[kind]) for kind in kinds) + " |" for title, count in zip(titles, counts)]
    return (HEAD.format(chip="Ascend910B3") + "| | vector and cube cores only | AI CPU needed | no kernel | not on this target |\n|---|---|---|---|---|\n" + "\n".join(summary) +
            "\n\n| op | " + " | ".join(titles) + " |\n|---" + "|---" * len(titles) + "|\n" + "\n".join(lines) + "\n")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(PAGE)
