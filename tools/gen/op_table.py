"""The ops of the cell dialect as a table, read from the records that llvm-tblgen dumps.

    python tools/gen/op_table.py --python OUT   Python wrappers of the plain elementwise ops
    python tools/gen/op_table.py --docs OUT     docs/ops.md
    python tools/gen/op_table.py --list         one line per op
"""
from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
import textwrap
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]

#: Named by the class that a record derives from, the most special one first.
CLASSES = (("Cell_CompareOp", "compare"), ("Cell_LogicalOp", "logical"), ("Cell_FloatUnaryOp", "float_unary"), ("Cell_UnaryOp", "unary"),
           ("Cell_BinaryOp", "binary"), ("Cell_ElementwiseOp", "elementwise"), ("Cell_ReductionOp", "reduction"),
           ("Cell_CompositeOp", "composite"), ("Cell_NonDifferentiableOp", "non_differentiable"), ("Cell_DifferentiableOp", "structured"),
           ("Cell_FunctionDerivativeOp", "function_derivative"), ("Cell_EffectOp", "effect"))


@dataclass(frozen=True)
class Op:
    """One record: ``operands`` and ``attributes`` are (name, TableGen constraint) pairs in order."""

    record: str
    name: str
    python_name: str
    kind: str
    summary: str
    description: str
    example: str
    partials: tuple[str, ...]
    operands: tuple[tuple[str, str], ...]
    attributes: tuple[tuple[str, str], ...]
    results: tuple[tuple[str, str], ...]
    superclasses: tuple[str, ...] = field(repr=False)

    @property
    def differentiable(self) -> bool:
        return bool(self.partials) or self.kind in ("structured", "reduction", "composite")


def _arguments(dag: dict[str, Any]) -> list[tuple[str, str]]:
    return [(name, value["printable"]) for value, name in dag["args"]]


def _clean(text: str | None) -> str:
    return " ".join((text or "").split())


def parse(records: dict[str, Any]) -> list[Op]:
    """The table from the JSON of ``llvm-tblgen --dump-json``, sorted by op name."""
    names = {n for base in ("Cell_Op", "Cell_FunctionDerivativeOp", "Cell_EffectOp") for n in records["!instanceof"].get(base, ())}
    ops = []
    for record in names:
        entry = records[record]
        bases = tuple(entry["!superclasses"])
        kind = next((k for base, k in CLASSES if base in bases), "op")
        arguments = _arguments(entry["arguments"])
        attributes = tuple((n, t) for n, t in arguments if "Attr" in t)
        ops.append(Op(record, entry["opName"], entry["pythonName"], kind, _clean(entry["summary"]), _clean(entry.get("description")),
                      entry["example"], tuple(entry.get("partials") or ()), tuple(a for a in arguments if a not in attributes),
                      attributes, tuple(_arguments(entry["results"])), bases))
    return sorted(ops, key=lambda op: op.name)


def _package_dir(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit(f"The Python package '{name}' is not installed; install requirements-build.txt first.")
    return Path(next(iter(spec.submodule_search_locations)))


def has_mlir_records() -> bool:
    """Whether MLIR's own records, which ours include, are installed."""
    return (_package_dir("mlir") / "include" / "mlir" / "IR" / "OpBase.td").exists()


def dump(tblgen: str | None = None, mlir_include: str | None = None, source: Path | None = None) -> dict[str, Any]:
    """Runs llvm-tblgen on dialect/Cell/CellOps.td."""
    tblgen = tblgen or str(_package_dir("llvm") / "bin" / "llvm-tblgen")
    include = mlir_include or str(_package_dir("mlir") / "include")
    source = source or ROOT / "dialect" / "Cell" / "CellOps.td"
    done = subprocess.run([tblgen, "--dump-json", "-I", str(ROOT), "-I", include, str(source)], check=True, capture_output=True)
    return json.loads(done.stdout)


def load(**where: Any) -> list[Op]:
    """The table of this source tree."""
    return parse(dump(**where))


def _write_if_changed(path: Path, text: str) -> None:
    if path.exists() and path.read_text() == text:
        path.touch()
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def main() -> None:
    sys.path.insert(0, str(Path(__file__).parent))
    parser = argparse.ArgumentParser(description=textwrap.dedent(__doc__ or ""), formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tblgen", help="llvm-tblgen")
    parser.add_argument("--mlir-include", help="MLIR's include folder")
    parser.add_argument("--python", type=Path, help="write the Python wrappers here")
    parser.add_argument("--docs", type=Path, help="write the Markdown page here")
    parser.add_argument("--list", action="store_true", help="print the table")
    args = parser.parse_args()
    ops = load(tblgen=args.tblgen, mlir_include=args.mlir_include)
    if args.python:
        from emit_python import emit

        _write_if_changed(args.python, emit(ops))
    if args.docs:
        from emit_docs import emit as emit_docs

        _write_if_changed(args.docs, emit_docs(ops))
    if args.list:
        for op in ops:
            operands = ", ".join(n for n, _ in op.operands + op.attributes)
            print(f"{op.name:24}{op.kind:20}{op.python_name or '-':20}({operands}) {op.summary}")


if __name__ == "__main__":
    main()
