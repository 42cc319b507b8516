"""Random kernels of the vector core for the tests of planning and flags: loads, vector ops, stores, scalar loads, in loops and branches."""
from __future__ import annotations

import random

LENGTH = 64  # elements of a tile
STEPS = 7    # tiles of an argument


class Maker:
    """One kernel. Its arguments: ``%a``, ``%b``, ``%c`` in global memory, ``%n``, ``%m`` the lengths of its loops, ``%p`` whether branches are taken."""

    def __init__(self, seed: int, branches: bool = True):
        self.random = random.Random(seed)
        self.branches = branches
        self.lines: list[str] = []
        self.counter = 0

    def name(self) -> str:
        self.counter += 1
        return f"%x{self.counter}"

    def put(self, depth: int, text: str) -> None:
        self.lines.append("  " * depth + text)

    def tile(self, depth: int, loops: list[str]) -> tuple[str, str]:
        argument = self.random.choice("abc")
        result, kind = self.name(), f"memref<{LENGTH}xf32, strided<[1], offset: ?>, #gm>"
        offset = "%zero"
        if loops and self.random.random() < 0.9:
            offset = self.name()
            self.put(depth, f"{offset} = arith.muli {self.random.choice(loops)}, %length : index")
        self.put(depth, f"{result} = memref.subview %{argument}[{offset}] [{LENGTH}] [1] : memref<{LENGTH * STEPS}xf32, #gm> to {kind}")
        return result, kind

    def body(self, depth: int, buffers: list[str], loops: list[str], size: int) -> None:
        kind = f"memref<{LENGTH}xf32, #ub>"
        mine = list(buffers)
        for _ in range(self.random.randint(1, 3)):
            new = self.name()
            mark = self.random.choice(["", " {ascend.multi_buffer = 1 : i64}"]) if loops else ""
            self.put(depth, f"{new} = memref.alloc(){mark} : {kind}")
            # What an op reads has been written in this step.
            if self.random.random() < 0.7:
                source, type_ = self.tile(depth, loops)
                self.put(depth, f"ascend.load ins({source} : {type_}) outs({new} : {kind})")
            else:
                self.put(depth, f"ascend.vbrc ins(%one : f32) outs({new} : {kind})")
            mine.append(new)
        for _ in range(size):
            choice = self.random.random()
            one, two, out = (self.random.choice(mine) for _ in range(3))
            if choice < 0.15:
                source, type_ = self.tile(depth, loops)
                self.put(depth, f"ascend.load ins({source} : {type_}) outs({out} : {kind})")
            elif choice < 0.4:
                self.put(depth, f"ascend.vbin <add> ins({one}, {two} : {kind}, {kind}) outs({out} : {kind})")
            elif choice < 0.5:
                self.put(depth, f"ascend.vun <exp> ins({one} : {kind}) outs({out} : {kind})")
            elif choice < 0.75:
                target, type_ = self.tile(depth, loops)
                self.put(depth, f"ascend.store ins({one} : {kind}) outs({target} : {type_})")
            elif choice < 0.8:
                self.put(depth, f"{self.name()} = memref.load %{self.random.choice('abc')}[%zero] : memref<{LENGTH * STEPS}xf32, #gm>")
            elif choice < 0.93 and len(loops) < 2:
                index = self.name()
                self.put(depth, f"scf.for {index} = %zero to {self.random.choice(['%n', '%m', '%c5'])} step %c1 {{")
                self.body(depth + 1, mine, loops + [index], max(1, size - 2))
                self.put(depth, "}")
            elif self.branches:
                self.put(depth, "scf.if %p {")
                self.body(depth + 1, mine, loops + ["%zero"] * 2, 1)
                self.put(depth, "}")

    def text(self, target: str = "") -> str:
        self.body(2, [], [], self.random.randint(2, 5))
        arguments = ", ".join(f"%{x}: memref<{LENGTH * STEPS}xf32, #gm>" for x in "abc")
        constants = [f"%length = arith.constant {LENGTH} : index", "%zero = arith.constant 0 : index", "%c1 = arith.constant 1 : index", "%c5 = arith.constant 5 : index",
                     "%one = arith.constant 1.0 : f32"]
        return "\n".join(["#gm = #ascend.space<gm>", "#ub = #ascend.space<ub>", f"gpu.module @kernels {target} {{",
                          f"  func.func @k({arguments}, %n: index, %m: index, %p: i1) attributes {{gpu.kernel, ascend.core = #ascend.core<aiv>}} {{",
                          *("    " + c for c in constants), *self.lines, "    return", "  }", "}"])
