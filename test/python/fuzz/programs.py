"""Random well-typed programs: Python source text of a function of Tensors, made from the rows of the op table and from control flow.

A program is a tree of statements, so that a failing one can be cut down. Each variable keeps one shape and values within [-1, 1]; an operand is
moved linearly into the domain of the op that takes it.
"""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from fuzz_support import ROWS

SHAPES = {"a": (3, 4), "b": (4,), "c": ()}
PLAIN = [row for row in ROWS.values() if row.elementwise and row.name == "" and row.op not in ("clamp", "cast", "full_like")]
SHAPED = [row for row in ROWS.values() if row not in PLAIN]
SQUASH = ("ops.tanh({})", "ops.sin({})", "(ops.sigmoid({}) * 2.0 - 1.0)")


@dataclass
class Statement:
    """One line, or a header with a body; ``rest`` are the else parts."""

    text: str
    body: list[Statement] | None = None
    rest: list[Statement] = field(default_factory=list)

    def lines(self, indent: int) -> Iterator[str]:
        yield "    " * indent + self.text
        if self.body is not None:
            yield from block(self.body, indent + 1)
        for part in self.rest:
            yield from part.lines(indent)


def block(statements: list[Statement], indent: int) -> list[str]:
    return [line for s in statements for line in s.lines(indent)] or ["    " * indent + "pass"]


@dataclass
class Program:
    seed: int
    number: int
    construct: list[Statement]
    body: list[Statement]
    returns: str

    def source(self) -> str:
        head = [
            f'"""Fuzzer: seed {self.seed}, program {self.number}."""',
            "from fuzz_support import CALL, Parameter, Tensor, fit, ms, nn, np, ops, weight", "", "",
            "class Net(nn.Cell):", "    def __init__(self):", "        super().__init__()",
            "        self.p = Parameter(weight(1, (3, 4)), name='p')", "        self.q = Parameter(weight(2, (4,)), name='q')", "",
            "    def construct(self, a, b):",
            *block(self.construct, 2), "        return a, b", "", "", "net = Net()", "", "", "def f(a, b, c, n):",
            "    a, b, c = a * 1.0, b * 1.0, c * 1.0",
        ]
        return "\n".join([*head, *block(self.body, 1), f"    return {self.returns}", ""])


class Writer:
    """Makes one program from a random generator."""

    def __init__(self, seed: int, number: int, control: bool = True) -> None:
        self.random = np.random.default_rng((seed, number))
        self.seed, self.number, self.control = seed, number, control
        self.fresh = 0
        self.in_cell = False

    def pick(self, choices):
        return choices[int(self.random.integers(len(choices)))]

    def number_in(self, low: float, high: float) -> str:
        return f"{self.random.uniform(low, high):.3f}"

    def name(self, prefix: str) -> str:
        self.fresh += 1
        return f"{prefix}{self.fresh}"

    # Expressions

    def leaf(self, shape: tuple[int, ...], scope: dict) -> str:
        same = [v for v, s in scope.items() if s == shape]
        if same and self.random.random() < 0.8:
            return self.pick(same)
        v = self.pick(list(scope))
        if shape == () and self.random.random() < 0.6:
            return self.pick([f"{v}.mean()", f"ops.sum({v}) * 0.1", f"ops.amax({v})"])
        if shape == (4,) and scope[v] == (3, 4):
            return self.pick([f"{v}[1]", f"{v}[-1]", f"{v}.mean(0)", f"{v}[0:2].sum(0) * 0.5"])
        return v if scope[v] == shape else f"fit({v}, {shape})"

    def expression(self, shape: tuple[int, ...], scope: dict, depth: int) -> str:
        """An expression of the shape, with values in [-1, 1]."""
        if depth == 0 or self.random.random() < 0.15:
            return self.leaf(shape, scope)
        if self.random.random() < 0.3:
            row = self.pick(SHAPED)
            operands = [self.operand(row, k, row.shapes[k], scope, depth) for k in range(len(row.shapes))]
            return self.pick(SQUASH).format(f"fit(CALL[{str(row)!r}](ops, {', '.join(operands)}), {shape})")
        if self.random.random() < 0.4:
            x, y = (self.expression(shape, scope, depth - 1) for _ in range(2))
            return self.pick(["({} + {}) * 0.5", "({} - {}) * 0.5", "({}) * ({})"]).format(x, y)
        row = self.pick(PLAIN)
        operands = [self.operand(row, k, shape, scope, depth) for k in range(len(row.shapes))]
        return self.pick(SQUASH).format(f"ops.{row.op}({', '.join(operands)})")

    def operand(self, row, k: int, shape: tuple[int, ...], scope: dict, depth: int) -> str:
        low, high = row.domains[k]
        inner = self.expression(shape, scope, depth - 1)
        half, middle = (high - low) / 2, (high + low) / 2
        return f"({inner}) * {half:g} + {middle:g}" if middle else f"({inner}) * {half:g}"

    def condition(self, scope: dict) -> str:
        v = self.pick(list(scope))
        one = f"{v}.mean() {self.pick('<>')} {self.number_in(-0.4, 0.4)}"
        if self.random.random() < 0.3:
            count = "2 > 1" if self.in_cell else f"n > {self.random.integers(0, 3)}"
            other = self.pick([count, f"{self.pick(list(scope))}.sum() > 0.1", "True"])
            return f"{self.pick(['', 'not '])}({one}) {self.pick(['and', 'or'])} {other}"
        return one

    # Statements

    def statements(self, scope: dict, budget: int, depth: int, loop: bool = False, index: str = "", cell: bool = False) -> list[Statement]:
        out: list[Statement] = []
        while budget > 0:
            kind = self.random.random()
            if not self.control or depth == 0 or kind < 0.5:
                out.append(self.assignment(scope, index, cell))
                budget -= 1
                continue
            inner = max(1, budget // 2)
            make = self.pick([self.branch, self.static_loop, self.counted_loop, self.while_loop, self.rows, self.function])
            out.extend(make(scope, inner, depth - 1, cell))
            budget -= inner + 1
        if loop and self.random.random() < 0.4:
            where = int(self.random.integers(len(out) + 1))
            out.insert(where, Statement(f"if {self.condition(scope)}:", [Statement(self.pick(["break", "continue"]))]))
        return out

    def assignment(self, scope: dict, index: str, cell: bool) -> Statement:
        v = self.pick(list(scope))
        shape, kind = scope[v], self.random.random()
        if shape == (3, 4) and kind < 0.25:
            place = index if index and self.random.random() < 0.7 else self.pick(["0", "-1", "1:3", "::2"])
            value = self.expression((4,), scope, 1)
            return Statement(self.pick([f"{v}[{place}] = {value}", f"{v}[{place}] = {v}[{place}] * 0.5 + ({value}) * 0.5"]))
        if shape == (4,) and kind < 0.2:
            return Statement(f"{v}[{self.pick(['0', '1:3', '-1'])}] {self.pick(['=', '*='])} {self.expression((), scope, 1)}")
        if self.control and kind < 0.35:
            return Statement(f"{v} = {self.expression(shape, scope, 1)} if {self.condition(scope)} else {self.expression(shape, scope, 1)}")
        if not cell and self.control and kind < 0.42 and {"a", "b"} <= set(scope):
            return Statement("a, b = net(a, b)")
        return Statement(f"{v} = {self.expression(shape, scope, 2)}")

    def branch(self, scope: dict, budget: int, depth: int, cell: bool) -> list[Statement]:
        first = self.statements(scope, max(1, budget // 2), depth, cell=cell)
        rest = []
        if self.random.random() < 0.3:
            rest.append(Statement(f"elif {self.condition(scope)}:", self.statements(scope, 1, depth, cell=cell)))
        if self.random.random() < 0.7:
            rest.append(Statement("else:", self.statements(scope, max(1, budget // 2), depth, cell=cell)))
        return [Statement(f"if {self.condition(scope)}:", first, rest)]

    def static_loop(self, scope: dict, budget: int, depth: int, cell: bool) -> list[Statement]:
        i = self.name("i")
        header = self.pick([f"for {i} in range({self.random.integers(0, 4)}):", f"for {i} in (0, 2):", f"for {i} in range(2, -1, -1):"])
        return [Statement(header, self.statements(scope, budget, depth, loop=True, index=i, cell=cell))]

    def counted_loop(self, scope: dict, budget: int, depth: int, cell: bool) -> list[Statement]:
        if cell:
            return self.static_loop(scope, budget, depth, cell)
        i = self.name("i")
        return [Statement(f"for {i} in range({self.pick(['n', '0, n', 'n, 0, -1'])}):", self.statements(scope, budget, depth, loop=True, cell=cell))]

    def while_loop(self, scope: dict, budget: int, depth: int, cell: bool) -> list[Statement]:
        k = self.name("k")
        limit = self.pick(["2", "3"] if cell else ["2", "3", "n"])
        body = [Statement(f"{k} = {k} + 1"), *self.statements(scope, budget, depth, loop=True, cell=cell)]
        return [Statement(f"{k} = 0"), Statement(f"while {k} < {limit} and ({self.condition(scope)}):", body)]

    def rows(self, scope: dict, budget: int, depth: int, cell: bool) -> list[Statement]:
        r = self.name("r")
        return [Statement(f"for {r} in a:", [Statement(f"b = b * 0.5 + {r} * 0.4"), *self.statements(scope, budget, depth, loop=True, cell=cell)])]

    def function(self, scope: dict, budget: int, depth: int, cell: bool) -> list[Statement]:
        g, (v, shape) = self.name("g"), self.pick([(v, s) for v, s in scope.items()])
        inner = {"x": shape, **{u: s for u, s in scope.items() if self.random.random() < 0.5}}
        body = [Statement(f"x = {self.expression(shape, inner, 2)}")]
        if self.random.random() < 0.5:
            body.append(Statement(f"if {self.condition({'x': shape})}:", [Statement(f"return {self.expression(shape, inner, 1)}")]))
        body.append(Statement("return x"))
        return [Statement(f"def {g}(x):", body), Statement(f"{v} = {g}({v})")]

    def program(self) -> Program:
        size = int(self.random.integers(2, 9))
        construct_scope = {"a": (3, 4), "b": (4,), "self.p": (3, 4), "self.q": (4,)}
        self.in_cell = True
        construct = [Statement(f"{v} = {self.expression(SHAPES[v], construct_scope, 2)}") for v in "ab"]
        if self.control:
            construct += self.statements({"a": (3, 4), "b": (4,)}, 1, 1, cell=True)
        self.in_cell = False
        body = self.statements(dict(SHAPES), size, 3 if self.control else 0)
        returns = "(a * weight(3, (3, 4))).sum() + (b * weight(4, (4,))).sum() + c"
        if self.control and self.random.random() < 0.3:
            where = int(self.random.integers(len(body) + 1))
            body.insert(where, Statement(f"if {self.condition(SHAPES)}:", [Statement(f"return {self.expression((), dict(SHAPES), 2)}")]))
        return Program(self.seed, self.number, construct, body, returns)
