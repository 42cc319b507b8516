"""Scratch memory of vector ops: the vendor's compiler is asked, for every op, element type and many shapes, how much it hands to its library."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from needs import needs

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(Path(__file__).parent), str(ROOT / "tools")]

import hivm_check  # noqa: E402
import hivm_kernels  # noqa: E402
from hivm_kernels import gm, kernel, operation, ub  # noqa: E402

from cellgrad._compiler import _native  # noqa: E402

pytestmark = needs(hivm_check.available(), "needs the vendor's compiler: pip install 'cellgrad[ascend]'")

PLAN = "ascend-multi-buffer,ascend-plan-memory,ascend-insert-sync,ascend-verify-kernels"
ROWS, LENGTHS = (1, 2, 7, 8, 13, 16), (1, 2, 3, 4, 6, 8, 12, 15, 16, 17, 32, 63, 64, 65, 100, 128, 129, 136, 250, 256, 257, 512)


def printed(text: str, form: str) -> str:
    module = _native.Module.parse(text)
    module.run(PLAN)
    return module.hivm(form)


def together(texts: list[str]) -> str:
    return "".join(re.sub(r"@k\b", f"@k{number}", text) for number, text in enumerate(texts))


def found(text: str) -> list[list[tuple[str, int | None]]]:
    """Of each function of HIVM text the vector ops, and the bytes of their scratch memory."""
    functions = []
    for function in re.split(r"(?=func\.func @k\d+\()", text)[1:]:
        ops = []
        for op, line in re.findall(r"hivm\.hir\.(v\w+) ([^\n]*)", function):
            given = re.search(r"temp_buffer\([^)]*?memref<(\d+)x[a-z]+(\d+)", line)
            ops.append((op, int(given[1]) * int(given[2]) // 8 if given else None))
        functions.append(ops)
    return functions


def vendors(texts: list[str]) -> list[list[tuple[str, int | None]]]:
    auto = together([printed(text, "auto") for text in texts])
    return found(hivm_check.opt(auto, "--hacc-append-device-spec=target=Ascend910B3", *hivm_check.BEFORE, "--hivm-alloc-extra-buffer"))


def ours(texts: list[str]) -> list[list[tuple[str, int | None]]]:
    return found(together([printed(text, "planned") for text in texts]))


def compare(cases: dict[str, str]) -> None:
    """The same bytes, in blocks. Where the vendor hands none over, a function may still have the parameter: what the library takes is checked, too."""
    wrong = []
    for name, mine, theirs in zip(cases, ours(list(cases.values())), vendors(list(cases.values())), strict=True):
        assert [op for op, _ in mine] == [op for op, _ in theirs], name
        for (op, got), (_, wanted) in zip(mine, theirs, strict=True):
            if wanted and got != -(-wanted // 32) * 32 or (wanted == 0 and got is None) or (wanted is None and (got or 0) > 96):
                wrong.append((name, op, got, wanted))
    assert not wrong, wrong[:20]
    hivm_check.check_kernel(together([printed(text, "planned") for text in cases.values()]), "planned")


def one(name: str, shapes: list[tuple[int, ...]], elements: list[str], out: tuple[tuple[int, ...], str], **rest: str) -> str:
    sources = list(zip(shapes, elements, strict=True))
    return kernel(sources, out, operation(name, sources, out, **rest), rest.get("scalar") or "f32")


def pitch(length: int, element: str) -> bool:
    """Rows of a buffer start at blocks."""
    return length * bytes_of(element) % 32 == 0


def bytes_of(element: str) -> int:
    return int(re.search(r"\d+", element)[0]) // 8


@pytest.mark.parametrize("element", hivm_kernels.ARITHMETIC)
@pytest.mark.parametrize("kind", ["sum", "max", "min"])
def test_reductions(kind: str, element: str) -> None:
    cases = {}
    for length in LENGTHS:
        cases[f"{length}"] = one(f"vreduce <{kind}>", [(length,)], [element], ((1,), element), dims="dims = [0] ")
        for rows in ROWS:
            if rows > 1 and not pitch(length, element):
                continue
            cases[f"{rows}x{length} rows"] = one(f"vreduce <{kind}>", [(rows, length)], [element], ((rows, 1), element), dims="dims = [1] ")
            cases[f"{rows}x{length} columns"] = one(f"vreduce <{kind}>", [(rows, length)], [element], ((1, length), element), dims="dims = [0] ")
    for dims, out in (("0", (1, 16, 16)), ("0, 1", (1, 1, 16)), ("1, 2", (4, 1, 1)), ("2", (4, 16, 1)), ("0, 1, 2", (1, 1, 1))):
        cases[f"4x16x16 {dims}"] = one(f"vreduce <{kind}>", [(4, 16, 16)], [element], (out, element), dims=f"dims = [{dims}] ")
    compare(cases)


@pytest.mark.parametrize("element", ["f32", "f16", "bf16", "i32", "i16", "i64"])
def test_repetitions(element: str) -> None:
    cases = {}
    for length in LENGTHS:
        for rows in ROWS:
            if length > 1 and (pitch(length, element) or rows == 1):
                cases[f"{rows}x1 to {rows}x{length}"] = one("vbrc", [(rows, 1)], [element], ((rows, length), element))
            if rows > 1 and pitch(length, element):
                cases[f"1x{length} to {rows}x{length}"] = one("vbrc", [(1, length)], [element], ((rows, length), element))
                cases[f"1x1 to {rows}x{length}"] = one("vbrc", [(1, 1)], [element], ((rows, length), element))
    compare(cases)


@pytest.mark.parametrize("element", ["f32", "f16", "i32", "i16"])
def test_repeated_operands(element: str) -> None:
    cases = {}
    for kind in ("add", "sub", "mul", "max", "min") + (("div",) if element[0] == "f" else ()):
        for rows, length in ((1, 64), (2, 16), (7, 64), (8, 16), (13, 128), (16, 64)):
            full = (rows, length)
            for narrow in ((rows, 1), (1, length), (1, 1)):
                for shapes in ([full, narrow], [narrow, full]):
                    cases[f"{kind} {shapes}"] = one(f"vbin <{kind}>", shapes, [element, element], (full, element))
            if rows > 1:
                cases[f"{kind} {full} of both"] = one(f"vbin <{kind}>", [(rows, 1), (1, length)], [element, element], (full, element))
    compare(cases)


def test_every_op_of_the_table() -> None:
    compare({name: text for name, text in hivm_kernels.table().items() if not re.match(r"sel-|sh[lr]-", name)})


@pytest.mark.parametrize("element", ["f32", "f16", "bf16", "i16", "i32", "i64"])
def test_selections(element: str) -> None:
    """A value that is repeated is spread over the output; where that holds the other value, or both are repeated, over memory of its own."""
    cases = {}
    for rows, length in ((1, 64), (7, 32), (8, 64), (16, 32)):
        full = (rows, length)
        for a in (full, (rows, 1), (1, length), (1, 1), None):
            for b in (full, (rows, 1), (1, length), (1, 1), None):
                shapes, values = [full, *(s for s in (a, b) if s)], iter(["%b", "%c"])
                names = ["%a", *(next(values) if s else "%s" for s in (a, b))]
                types = [ub(full, "i1"), *(ub(s, element) if s else element for s in (a, b))]
                sources = list(zip(shapes, ["i1", element, element][: len(shapes)], strict=True))
                op = f"ascend.vsel ins({', '.join(names)} : {', '.join(types)}) outs(%out : {ub(full, element)})"
                cases[f"{full} {a} {b}"] = kernel(sources, (full, element), op, element)
                if b == full and a != full:  # in place
                    cases[f"{full} {a} in place"] = cases[f"{full} {a} {b}"].replace("outs(%out :", f"outs({names[2]} :").replace("ascend.store ins(%out", f"ascend.store ins({names[2]}")
    made = ours(list(cases.values()))
    for (name, _), mine, theirs in zip(cases.items(), made, vendors(list(cases.values())), strict=True):
        assert [op for op, _ in mine] == [op for op, _ in theirs], name
        for (op, got), (_, wanted) in zip(mine, theirs, strict=True):
            # Spreading and selecting share their memory.
            assert wanted is None or (got is not None and got >= wanted), (name, op, got, wanted)
    hivm_check.check_kernel(together([printed(text, "planned") for text in cases.values()]), "planned")
    hivm_check.check_kernel(together([printed(text, "auto") for text in cases.values()]), "auto")


def tail(kind: str, full: tuple[int, int], sizes: tuple[object, object], narrow: tuple[int, int]) -> str:
    """A reduction or repetition of part of a tile: `sizes` are numbers, or None where they are known only when the kernel runs."""

    def part(shape: tuple[int, int], source: str, into: str) -> tuple[str, str, str]:
        shown = [("%n", "%m")[axis] if size is None else str(size) for axis, size in enumerate(1 if s == 1 else t for s, t in zip(shape, sizes, strict=True))]
        view = f"memref<{'x'.join('?' if s.startswith('%') else s for s in shown)}xf32, strided<[{shape[1]}, 1]>, #ascend.space<ub>>"
        return f"{into} = memref.subview {source}[0, 0] [{', '.join(shown)}] [1, 1] : {ub(shape, 'f32')} to {view}", into, view

    wide, narrow_view = part(full, "%w", "%p"), part(narrow, "%o", "%q")
    first, second = (wide, narrow_view) if kind != "vbrc" else (narrow_view, wide)
    dims = f"dims = [{0 if narrow[0] == 1 else 1}] " if kind != "vbrc" else ""
    return f"""
  gpu.module @kernels attributes {{ascend.target = #ascend.target<"Ascend910B3">}} {{
    func.func @k(%gw: {gm(full, "f32")}, %go: {gm(narrow, "f32")}, %n: index, %m: index) attributes {{gpu.kernel, ascend.core = #ascend.core<aiv>, ascend.block_dim = 1 : i64}} {{
      %w = memref.alloc() : {ub(full, "f32")}
      %o = memref.alloc() : {ub(narrow, "f32")}
      ascend.load ins(%gw : {gm(full, "f32")}) outs(%w : {ub(full, "f32")})
      ascend.load ins(%go : {gm(narrow, "f32")}) outs(%o : {ub(narrow, "f32")})
      {wide[0]}
      {narrow_view[0]}
      ascend.{kind} {dims}ins({first[1]} : {first[2]}) outs({second[1]} : {second[2]})
      ascend.store ins(%w : {ub(full, "f32")}) outs(%gw : {gm(full, "f32")})
      ascend.store ins(%o : {ub(narrow, "f32")}) outs(%go : {gm(narrow, "f32")})
      return
    }}
  }}
"""


@pytest.mark.parametrize("full", [(16, 16), (16, 64), (13, 72), (8, 136), (12, 512)])
@pytest.mark.parametrize("kind", ["vreduce <sum>", "vreduce <max>", "vbrc"])
def test_sizes_that_are_not_known_are_the_largest(kind: str, full: tuple[int, int]) -> None:
    """What is asked for covers every part of the tile: the vendor is asked about many of known size."""
    for narrow in ((full[0], 1), (1, full[1])):
        for unknown in ((None, full[1]), (full[0], None), (None, None)):
            text = tail(kind, full, unknown, narrow)
            [[*_, (op, got)]] = ours([text])
            rows, lengths = ([s] if s else range(1, most + 1, step) for s, most, step in zip(unknown, full, (3, 1 if full[1] < 100 else 29), strict=True))
            parts = [tail(kind, full, (r, c), narrow) for r in rows for c in lengths]
            wanted = [ops[-1][1] or 0 for ops in vendors(parts) if ops]
            assert (got or 0) >= max(wanted), (narrow, unknown, got, max(wanted))
            hivm_check.check_kernel(printed(text, "planned"), "planned")
