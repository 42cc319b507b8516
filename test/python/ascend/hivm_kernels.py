"""Small kernels in the ascend dialect, one op each, for every element type that the op takes."""

from __future__ import annotations

FLOATS = ["f32", "f16"]
ARITHMETIC = ["f32", "f16", "i32", "i16"]
INTEGERS = ["i8", "i16", "i32", "i64"]
CASTS = {
    "f32": ["f32", "f16", "bf16", "i16", "i32", "i64"],
    "f16": ["f32", "i32", "i16", "i8"],
    "bf16": ["f32", "i32"],
    "i64": ["f32", "i32"],
    "i32": ["f32", "i64", "i16", "i8"],
    "i16": ["f32", "f16", "i8"],
    "i8": ["f16"],
    "i1": ["f32", "f16", "bf16", "i32", "i16"],
}


def ub(shape: tuple[int, ...], element: str) -> str:
    return f"memref<{'x'.join(map(str, shape))}x{element}, #ascend.space<ub>>"


def gm(shape: tuple[int, ...], element: str) -> str:
    return ub(shape, element).replace("<ub>", "<gm>")


def kernel(sources: list[tuple[tuple[int, ...], str]], out: tuple[tuple[int, ...], str], op: str, scalar: str = "f32") -> str:
    """A kernel that loads the sources `%0`, `%1` ..., runs `op` into `%out` and stores that. Masks are made by a comparison, and used by a selection."""
    arguments, lines = [f"%s: {scalar}"], []
    for number, (shape, element) in enumerate(sources):
        if element == "i1":
            lines += [f"%f{number} = memref.alloc() : {ub(shape, 'f32')}", f"%{chr(97 + number)} = memref.alloc() : {ub(shape, 'i1')}"]
            arguments.append(f"%g{number}: {gm(shape, 'f32')}")
            lines.append(f"ascend.load ins(%g{number} : {gm(shape, 'f32')}) outs(%f{number} : {ub(shape, 'f32')})")
            lines.append(f"ascend.vcmp <gt> ins(%f{number}, %f{number} : {ub(shape, 'f32')}, {ub(shape, 'f32')}) outs(%{chr(97 + number)} : {ub(shape, 'i1')})")
            continue
        arguments.append(f"%g{number}: {gm(shape, element)}")
        lines.append(f"%{chr(97 + number)} = memref.alloc() : {ub(shape, element)}")
        lines.append(f"ascend.load ins(%g{number} : {gm(shape, element)}) outs(%{chr(97 + number)} : {ub(shape, element)})")
    shape, element = out
    lines += [f"%out = memref.alloc() : {ub(shape, element)}", op]
    stored = "%out"
    if element == "i1":
        element, stored = "f16", "%chosen"
        lines += [f"%chosen = memref.alloc() : {ub(shape, 'f16')}", "%yes = arith.constant 1.0 : f16", "%no = arith.constant 0.0 : f16"]
        lines.append(f"ascend.vsel ins(%out, %yes, %no : {ub(shape, 'i1')}, f16, f16) outs(%chosen : {ub(shape, 'f16')})")
    arguments.append(f"%gout: {gm(shape, element)}")
    lines.append(f"ascend.store ins({stored} : {ub(shape, element)}) outs(%gout : {gm(shape, element)})")
    body = "\n      ".join(lines)
    return f"""
  gpu.module @kernels attributes {{ascend.target = #ascend.target<"Ascend910B3">}} {{
    func.func @k({", ".join(arguments)}) attributes {{gpu.kernel, ascend.core = #ascend.core<aiv>, ascend.block_dim = 1 : i64}} {{
      {body}
      return
    }}
  }}
"""


def operation(name: str, sources: list[tuple[tuple[int, ...], str]], out: tuple[tuple[int, ...], str], scalar: str = "", rest: str = "", dims: str = "") -> str:
    names = [f"%{chr(97 + number)}" for number in range(len(sources))] + (["%s"] if scalar else [])
    types = [ub(*source) for source in sources] + ([scalar] if scalar else [])
    return f"ascend.{name} {dims}ins({', '.join(names)} : {', '.join(types)}) outs(%out : {ub(*out)}) {rest}"


def table() -> dict[str, str]:
    """Name and text of every kernel."""
    made: dict[str, str] = {}

    def add(label: str, name: str, elements: list[str], out: str, shapes=None, out_shape=(16, 64), scalar: str = "", rest: str = "", dims: str = "") -> None:
        shapes = shapes or [(16, 64)] * len(elements)
        sources = list(zip(shapes, elements, strict=True))
        made[label] = kernel(sources, (out_shape, out), operation(name, sources, (out_shape, out), scalar, rest, dims), scalar or "f32")

    for kind, elements in {**dict.fromkeys(["add", "sub", "mul", "max", "min"], ARITHMETIC), "div": FLOATS, **dict.fromkeys(["and", "or", "xor"], [*INTEGERS, "i1"])}.items():
        for t in elements:
            add(f"{kind}-{t}", f"vbin <{kind}>", [t, t], t)
    for kind, elements in {**dict.fromkeys(["add", "sub", "mul", "max", "min"], ARITHMETIC), "div": FLOATS, "shl": ["i16", "i32"], "shr": ["i16", "i32"]}.items():
        for t in elements:
            add(f"{kind}-scalar-{t}", f"vbin_scalar <{kind}>", [t], t, scalar=t)
    for kind in ("sub", "div"):
        add(f"{kind}-reverse", f"vbin_scalar <{kind}>", ["f32"], "f32", scalar="f32", rest="reverse")
    for kind, elements in {
        **dict.fromkeys(["exp", "ln", "sqrt", "rsqrt", "rec", "abs"], FLOATS),
        "relu": [*FLOATS, "i32"],
        "neg": ARITHMETIC,
        "not": [*INTEGERS, "i1"],
    }.items():
        for t in elements:
            add(f"{kind}-{t}", f"vun <{kind}>", [t], t)
    for source, targets in CASTS.items():
        for t in targets:
            add(f"cast-{source}-{t}", "vcast <rint>", [source], t)
    for rounding in ("round", "floor", "ceil", "trunc"):
        add(f"cast-{rounding}", f"vcast <{rounding}>", ["f32"], "i32")
    for kind in ("sum", "max", "min"):
        for t in ARITHMETIC:
            add(f"reduce-{kind}-{t}", f"vreduce <{kind}>", [t], t, out_shape=(16, 1), dims="dims = [1] ")
            add(f"reduce-rows-{kind}-{t}", f"vreduce <{kind}>", [t], t, out_shape=(1, 64), dims="dims = [0] ")
    for n in (8, 128, 136, 512):
        add(f"reduce-{n}", "vreduce <sum>", ["f32"], "f32", shapes=[(16, n)], out_shape=(16, 1), dims="dims = [1] ")
    for axes, out in (("0", (1, 16, 64)), ("2", (4, 16, 1)), ("0, 1", (1, 1, 64)), ("1, 2", (4, 1, 1)), ("0, 1, 2", (1, 1, 1))):
        add(f"reduce-3d-{axes}", "vreduce <sum>", ["f32"], "f32", shapes=[(4, 16, 64)], out_shape=out, dims=f"dims = [{axes}] ")
    add("reduce-column", "vreduce <sum>", ["f32"], "f32", shapes=[(40, 1)], out_shape=(1, 1), dims="dims = [0] ")
    add("brc-both", "vbrc", ["f32"], "f32", shapes=[(1, 1)])
    for kind in ("eq", "ne", "lt", "le", "gt", "ge"):
        for t in [*FLOATS, *(["i32"] if kind in ("eq", "ne") else [])]:
            add(f"cmp-{kind}-{t}", f"vcmp <{kind}>", [t, t], "i1")
            add(f"cmp-{kind}-{t}-scalar", f"vcmp <{kind}>", [t], "i1", scalar=t)
    for t in [*FLOATS, "bf16", "i16", "i32", "i64"]:
        add(f"sel-{t}", "vsel", ["i1", t, t], t)
        add(f"sel-{t}-scalar", "vsel", ["i1", t], t, scalar=t)
    add("sel-columns", "vsel", ["i1", "f32", "f32"], "f32", shapes=[(16, 64), (16, 64), (16, 1)])
    add("sel-single", "vsel", ["i1", "f32"], "f32", shapes=[(16, 64), (1, 1)], scalar="f32")
    for t in [*FLOATS, "bf16", *INTEGERS]:
        add(f"copy-{t}", "copy", [t], t)
        add(f"fill-{t}", "vbrc", [], t, scalar=t)
        add(f"transpose-{t}", "vtranspose", [t], t, shapes=[(32, 64)], out_shape=(64, 32), dims="permutation = [1, 0] ")
        add(f"brc-rows-{t}", "vbrc", [t], t, shapes=[(1, 64)])
        if t != "i8":
            add(f"brc-columns-{t}", "vbrc", [t], t, shapes=[(16, 1)])
    for t in [*FLOATS, "bf16", "i16", "i32"]:
        add(f"gather-{t}", "vgather", [t, "i32"], t)
    add("sub-columns", "vbin <sub>", ["f32", "f32"], "f32", shapes=[(16, 64), (16, 1)])
    add("add-rows", "vbin <add>", ["f32", "f32"], "f32", shapes=[(1, 64), (16, 64)])
    add("exp-4d", "vun <exp>", ["f32"], "f32", shapes=[(2, 3, 4, 64)], out_shape=(2, 3, 4, 64))
    for t in [*FLOATS, "i16", "i32", "i64"]:
        out = ((16, 64), t)
        made[f"arange-{t}"] = kernel([], out, f"%o = arith.constant 5 : index\n      ascend.varange offset %o strides[%o, %o] outs(%out : {ub(*out)})")
    return made
