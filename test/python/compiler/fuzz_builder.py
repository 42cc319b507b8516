"""Random calls of the builder, most of them nearly right: ``fuzz_builder.py SEED COUNT``. Ends with 0 unless the process dies.

Every op of the dialect gets operands of random shapes and dtypes and attributes that are usually of the right kind; finished modules are printed, cloned and
hashed. What is refused must be an exception. The call in progress is kept in the file named by ``FUZZ_LOG``, so that a crash names its cause.
"""
from __future__ import annotations

import math
import os
import random
import sys
from typing import Any

from small_programs import DTYPES

from cellgrad._compiler import Builder, CompileError, _native

OPS = _native.ops()
REFUSALS = (CompileError, TypeError, OverflowError, UnicodeError)


class Fuzzer:
    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.built: dict[str, int] = {}
        self.modules = 0
        self.images = False  # operands of rank 4, as convolutions and pooling take them
        self.log = open(os.environ["FUZZ_LOG"], "w", encoding="utf-8", errors="replace") if "FUZZ_LOG" in os.environ else None

    def note(self, text: str) -> None:
        if self.log is not None:
            self.log.seek(0)
            self.log.truncate()
            self.log.write(text + "\n")
            self.log.flush()

    def ints(self) -> tuple[int, ...]:
        r = self.rng
        if self.images:
            return tuple(r.choice((1, 1, 1, 2, 3, 0)) for _ in range(r.choice((2, 2, 4))))
        if r.random() < 0.1:
            return tuple(r.choice((0, 7, -2, 2**31, 2**62, -2**63)) for _ in range(r.randrange(4)))
        return tuple(r.choice((0, 1, 2, 3, 4, 6, -1)) for _ in range(r.choice((0, 1, 2, 2, 2, 3, 4, 6))))

    def attribute(self, kind: str) -> Any:
        r = self.rng
        if r.random() < 0.03:
            return r.choice((None, object(), {}, b"x", "q", 2**70, (1, "a"), 1.5))
        return {
            "an int": lambda: r.choice((0, 1, -1, 2, 3, 7, 2**40, -2**63)),
            "a tuple of ints": self.ints,
            "a bool": lambda: r.random() < 0.5,
            "a float": lambda: r.choice((0.0, 1.0, -1.5, math.nan, math.inf, 1e-5)),
            "a str": lambda: r.choice(("", "none", "tanh", "\0", "mean", "sum", "same", "valid")),
            "('dtype', name)": lambda: ("dtype", r.choice(DTYPES)),
        }.get(kind, lambda: True)()

    def shape(self, base: tuple[int, ...]) -> tuple[int, ...]:
        r = self.rng
        if r.random() < 0.6:
            return base
        shape = tuple(r.choice((1, 2, 3, 4, 6)) for _ in range(4)) if self.images else tuple(r.choice((0, 1, 2, 3, 5)) for _ in range(r.randrange(6)))
        return (*shape, 2**40) if r.random() < 0.02 else shape

    def once(self) -> None:
        r = self.rng
        self.images = r.random() < 0.4
        builder = Builder()
        f, other = builder.function(r.choice(("f", "g", "", "cg_entry", "\0"))), builder.function("other")
        stranger = other.argument("f32", (2,))
        values: list[Any] = []
        base = tuple(r.choice((1, 2, 4, 6)) for _ in range(4 if self.images else r.choice((0, 1, 2, 2, 3))))
        dtype = r.choice(("f32",) * 4 + DTYPES)
        for _ in range(r.randrange(1, 5)):
            try:
                values.append(f.argument(dtype if r.random() < 0.7 else r.choice(DTYPES), self.shape(base)))
            except REFUSALS:
                pass
        parts = [self.part(builder, dtype, base) for _ in range(r.randrange(3))]
        for _ in range(r.randrange(1, 12)):
            pool = [*values, stranger] if r.random() < 0.02 or not values else values
            if parts and r.random() < 0.3:
                self.control(f, parts, values, pool, dtype, base)
            else:
                self.op(f, values, pool)
        if r.random() < 0.3:
            self.finish(builder, f, other, values)

    def op(self, f: Any, values: list[Any], pool: list[Any]) -> None:
        r = self.rng
        name = r.choice(list(OPS))
        low, high, _, attributes = OPS[name]
        count = r.randrange(6) if high < 0 or r.random() < 0.05 else r.randint(low, high)
        operands = [r.choice(pool) for _ in range(count)]
        given = {label: self.attribute(kind) for label, (kind, required) in attributes.items() if r.random() < (0.97 if required else 0.5)}
        if r.random() < 0.02:
            given[r.choice(("x", "axes", "\udc80"))] = 1
        self.note(f"{name} {[(v.dtype, v.shape) for v in operands]} {given}")
        try:
            values += f.op(name, operands, given)
            self.built[name] = self.built.get(name, 0) + 1
        except REFUSALS:
            pass

    def part(self, builder: Any, dtype: str, base: tuple[int, ...]) -> Any:
        """A small function; often one that fits a loop or a branch."""
        r = self.rng
        g = builder.function("part")
        try:
            arguments = [g.argument("i64", ()) for _ in range(r.randrange(2))]
            arguments += [g.argument(dtype, base if r.random() < 0.9 else self.shape(base)) for _ in range(r.randrange(3))]
            results = [r.choice(arguments) for _ in range(r.randrange(3))] if arguments else []
            if r.random() < 0.3:
                results = [g.argument("i1", ())]
            if r.random() < 0.95:
                g.finish(results)
            if r.random() < 0.3:
                g.set_attribute(r.choice(("cell.recompute", "cell.custom_vjp", "cell.custom_vjp_operands", "cell.alias", "\0", "cell.")),
                                r.choice((True, g, (0, 1), "x", 3, [2**62], None)))
        except REFUSALS:
            pass
        return g

    def control(self, f: Any, parts: list[Any], values: list[Any], pool: list[Any], dtype: str, base: tuple[int, ...]) -> None:
        r = self.rng
        pick = lambda: [r.choice(pool) for _ in range(r.randrange(4))]
        numbers = lambda: [r.choice((0, 0, 1, -1, 2, 2**62)) for _ in range(r.randrange(3))]
        a, b = r.choice(parts), r.choice(parts)
        kind = r.randrange(8)
        self.note(f"control {kind} {a.name} {b.name}")
        try:
            flag, n = f.argument("i1", ()), f.argument(r.choice(("i64", "i64", "i32", "ui8")), ())
            pool.extend((flag, n))
            if kind == 0:
                values += f.branch(flag if r.random() < 0.9 else r.choice(pool), a, pick(), b, pick())
            elif kind == 1:
                values += f.for_loop(n, n, n, a, pick(), pick())
            elif kind == 2:
                values += f.while_loop(a, pick(), b, pick(), pick())
            elif kind == 3:
                values += f.jvp(a, pick(), pick(), numbers(), numbers())
            elif kind == 4:
                values += f.vmap(a, pick(), numbers(), numbers(), r.choice((1, 4, 0, -1, 2**62)))
            elif kind == 5:
                f.print(r.choice(("{}", "", "{{", "}", "{} {}\n", "\0")), pick())
            elif kind == 6:
                f.assert_(r.choice(pool), r.choice(("m", "", "\0")))
            else:
                _native.difference(r.choice(pool), r.choice(pool))
            self.built[f"control {kind}"] = self.built.get(f"control {kind}", 0) + 1
        except REFUSALS:
            pass

    def finish(self, builder: Any, f: Any, other: Any, values: list[Any]) -> None:
        r = self.rng
        self.note("finish")
        try:
            arguments = [(v.dtype, v.shape) for v in values[:f.argument_count]]
            f.finish([r.choice(values) for _ in range(r.randrange(3))] if values else [], {r.randrange(-1, 3): r.randrange(-1, 3)} if r.random() < 0.3 else None)
            g = builder.function("g")
            inputs = [g.argument(*a) for a in arguments]
            g.finish(g.value_and_grad(f, inputs, [r.randrange(-1, 3) for _ in range(r.randrange(3))], [r.randrange(-1, 3) for _ in range(r.randrange(2))]))
            other.discard()
            module = builder.finish(g)
            module.text(True)
            module.fingerprint()
            module.clone()
            self.modules += 1
        except REFUSALS:
            pass


if __name__ == "__main__":
    fuzzer = Fuzzer(int(sys.argv[1]))
    for _ in range(int(sys.argv[2])):
        fuzzer.once()
    print(sum(fuzzer.built.values()), len(fuzzer.built), fuzzer.modules)
