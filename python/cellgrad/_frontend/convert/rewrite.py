"""Statements: ``if``, ``while`` and ``for`` become calls of the run-time part with their blocks as inner functions.

The blocks share the variables of the function by ``nonlocal``. Whether a condition is Python's or a Tensor is decided when the function runs.
"""
from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from types import CodeType
from typing import Any

from .expressions import MARK, Expressions, helper, thunk
from .jumps import lower_jumps
from .names import analyse, bound, outer_writes
from .source import Definition, Unconvertible

__all__ = ["Block", "rewrite"]

_ASYNC = (ast.Await, ast.AsyncFor, ast.AsyncWith)
_FRAME_READERS = frozenset(("locals", "eval", "exec", "vars", "dir"))


@dataclass
class Block:
    """What is known of an ``if`` or a loop: the names it assigns, those read afterwards, and (loops) those that an iteration finds."""

    names: tuple
    live: frozenset  # read after it
    head: frozenset  # of a loop: read by the next iteration, or after it
    captured: frozenset  # read by inner functions, perhaps later
    constants: frozenset  # assigned nothing but constants
    top: bool  # a branch that returns: returns from the function itself
    target: str | None = None  # the name that a `for` assigns
    rebinds: bool = False  # the condition of a `while` assigns names (`:=`)


class _Statements:
    def __init__(self, node: Any, names: set, outer: set, declared: set, captured: set, shared: set) -> None:
        self.local, self.outer, self.declared = names, outer, declared
        self.captured, self.shared = captured, shared
        self.blocks: list[Block] = []
        arguments = node.args.posonlyargs + node.args.args
        self.expressions = Expressions(arguments[0].arg if arguments else None)
        self.depth = 0

    def visit(self, node: Any) -> Any:
        return self.expressions.visit(node)

    def body(self, statements: list) -> list:
        out: list = []
        for s in statements:
            made = self.statement(s)
            out += made if isinstance(made, list) else [made]
        return out or [ast.Pass()]

    # -- inner functions of a block ----------------------------------------------------------------------------------------
    def _declarations(self, names: set, like: Any) -> list:
        out: list = []
        cells = sorted(names & (self.local | self.outer) - self.declared)
        if cells:
            out.append(ast.copy_location(ast.Nonlocal(cells), like))
        if names & self.declared:
            out.append(ast.copy_location(ast.Global(sorted(names & self.declared)), like))
        return out

    def _function(self, name: str, statements: list, like: Any, argument: str | None = None) -> ast.FunctionDef:
        names = bound(statements)
        self.depth += 1
        inner = self.body(statements)
        self.depth -= 1
        return self._define(name, self._declarations(names, like) + inner, like, argument)

    @staticmethod
    def _define(name: str, body: list, like: Any, argument: str | None = None) -> ast.FunctionDef:
        arguments = ast.arguments(posonlyargs=[], args=[ast.arg(argument)] if argument else [], kwonlyargs=[], kw_defaults=[], defaults=[])
        made = ast.FunctionDef(name, arguments, body, [], lineno=like.lineno, col_offset=like.col_offset)
        return ast.copy_location(made, like)

    def _block(self, s: Any, names: set, constants: frozenset = frozenset()) -> tuple[list, list]:
        """Notes what is known of the statement; functions that read and set its names, and the arguments that name all this."""
        ordered = tuple(sorted(names))
        live = frozenset(s.live_out) | frozenset(self.shared)
        head = frozenset(getattr(s, "live_head", frozenset())) | frozenset(self.shared)
        self.blocks.append(Block(ordered, live, head, frozenset(self.captured), constants, self.depth == 0))
        number = ast.Constant(len(self.blocks) - 1)
        if not ordered:
            return [], [ast.Constant(None), ast.Constant(None), number]
        loads: Any = [helper("load", [thunk(ast.copy_location(ast.Name(n, ast.Load()), s))], s) for n in ordered]
        get = self._define("_cg_get", [ast.Return(ast.Tuple(loads, ast.Load()))], s)
        target = ast.Tuple([ast.Name(n, ast.Store()) for n in ordered], ast.Store())
        body: list = self._declarations(set(ordered), s) + [ast.Assign([target], ast.Name("_cg_values", ast.Load()))]
        for n in ordered:
            test = ast.Compare(ast.Name(n, ast.Load()), [ast.Is()], [ast.Attribute(ast.Name("__cg__", ast.Load()), "UNDEFINED", ast.Load())])
            body.append(ast.If(test, [ast.Delete([ast.Name(n, ast.Del())])], []))
        return [get, self._define("_cg_set", body, s, "_cg_values")], [ast.Name("_cg_get", ast.Load()), ast.Name("_cg_set", ast.Load()), number]

    # -- statements ----------------------------------------------------------------------------------------------------------
    def statement(self, s: Any) -> Any:
        method = getattr(self, "_" + type(s).__name__, None)
        return method(s) if method is not None else self.visit(s)

    def _If(self, s: ast.If) -> list:
        returns = getattr(s, "returns", False)
        names = bound(s.body) | bound(s.orelse) | self.shared
        functions, known = self._block(s, names)
        test = self.visit(s.test)
        branches = [self._function("_cg_then", s.body, s), self._function("_cg_else", s.orelse, s)]
        inner: list = [ast.Name("_cg_then", ast.Load()), ast.Name("_cg_else", ast.Load())]
        call = helper("if_return" if returns else "if_", [test, *inner, *known], s.test)
        return [*branches, *functions, ast.copy_location(ast.Return(call) if returns else ast.Expr(call), s)]

    def _While(self, s: ast.While) -> list:
        names = bound(s.body) | bound(s.test) | self.shared
        functions, known = self._block(s, names, _constants(s.body))
        self.blocks[-1].rebinds = bool(bound(s.test))
        simple = not any(isinstance(part, (ast.Call, ast.NamedExpr)) for part in ast.walk(s.test))
        test = self.visit(s.test)
        if getattr(s, "broken", None):
            go = helper("go", [ast.Name(s.broken, ast.Load())], s.test)  # type: ignore[attr-defined]
            test = go if isinstance(s.test, ast.Constant) and s.test.value else helper("and_", [go, thunk(test), ast.Constant(simple)], s.test)
        check = self._define("_cg_test", self._declarations(bound(s.test), s) + [ast.copy_location(ast.Return(test), s.test)], s)
        body = self._function("_cg_body", s.body, s)
        call = helper("while_", [ast.Name("_cg_test", ast.Load()), ast.Name("_cg_body", ast.Load()), *known], s.test)
        return [check, body, *functions, ast.copy_location(ast.Expr(call), s)]

    def _For(self, s: ast.For) -> list:
        names = bound(s.body) | bound(s.target) | self.shared
        functions, known = self._block(s, names, _constants(s.body))
        self.blocks[-1].target = s.target.id if isinstance(s.target, ast.Name) else None
        item = ast.copy_location(ast.Name("_cg_item", ast.Load()), s.target)
        first = ast.copy_location(ast.Assign([s.target], item), s.target)
        iterable = self.visit(s.iter)
        body = self._function("_cg_body", [first, *s.body], s, "_cg_item")
        broken = getattr(s, "broken", None)
        stop: ast.expr = thunk(ast.copy_location(ast.Name(broken, ast.Load()), s)) if broken else ast.Constant(None)
        call = helper("for_", [iterable, ast.Name("_cg_body", ast.Load()), stop, *known], s.iter)
        return [body, *functions, ast.copy_location(ast.Expr(call), s)]

    def _With(self, s: ast.With) -> Any:
        s.items = [self.visit(item) for item in s.items]
        s.body = self.body(s.body)
        return s

    def _Try(self, s: Any) -> Any:
        s.body, s.orelse, s.finalbody = self.body(s.body), s.orelse and self.body(s.orelse), s.finalbody and self.body(s.finalbody)
        for handler in s.handlers:
            check = ast.copy_location(ast.Expr(helper("caught", [], handler)), handler)
            handler.type = handler.type and self.visit(handler.type)
            handler.body = [check, *self.body(handler.body)]
        return s

    _TryStar = _Try

    def _Match(self, s: ast.Match) -> Any:
        s.subject = self.visit(s.subject)
        for case in s.cases:
            if case.guard is not None:
                case.guard = helper("test", [self.visit(case.guard), ast.Constant("the guard of a case")], case.guard)
            case.body = self.body(case.body)
        return s

    def _Raise(self, s: ast.Raise) -> Any:
        if s.exc is not None:
            s.exc = helper("raised", [thunk(self.visit(s.exc))], s)
            s.cause = s.cause and self.visit(s.cause)
        return s

    def _Assert(self, s: ast.Assert) -> Any:
        message = thunk(self.visit(s.msg)) if s.msg is not None else ast.Constant(None)
        text = ast.Constant(ast.unparse(s.test))
        return ast.copy_location(ast.Expr(helper("assert_", [self.visit(s.test), message, text], s.test)), s)

    def _AnnAssign(self, s: ast.AnnAssign) -> Any:
        if s.value is None:
            return ast.copy_location(ast.Pass(), s)
        return ast.copy_location(ast.Assign([self.visit(s.target)], self.visit(s.value)), s)

    def _Global(self, s: ast.Global) -> Any:
        return s if self.depth == 0 else ast.copy_location(ast.Pass(), s)

    _Nonlocal = _Global


def _constants(body: list) -> frozenset:
    """Names to which the statements assign constants only."""
    constant: set = set()
    other: set = set()
    for statement in body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
                constant |= set().union(*(bound(t) for t in node.targets))
            elif isinstance(node, (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.For, ast.withitem, ast.NamedExpr)):
                other |= bound(node)
    return frozenset(constant - other)


class _Mangle(ast.NodeTransformer):
    """Private names of a class, as Python's compiler writes them inside it."""

    def __init__(self, class_name: str) -> None:
        self.prefix = "_" + class_name.lstrip("_")

    def name(self, name: str) -> str:
        return self.prefix + name if name.startswith("__") and not name.endswith("__") else name

    def visit_Name(self, node: ast.Name) -> Any:
        node.id = self.name(node.id)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> Any:
        self.generic_visit(node)
        node.attr = self.name(node.attr)
        return node

    def visit_arg(self, node: ast.arg) -> Any:
        node.arg = self.name(node.arg)
        return node


def _refuse(node: Any, body: list) -> None:
    if isinstance(node, ast.AsyncFunctionDef):
        raise Unconvertible("it is an async function")
    waiting = list(body)
    while waiting:
        part = waiting.pop()
        if isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
            continue
        if isinstance(part, (ast.Yield, ast.YieldFrom)):
            raise Unconvertible("it is a generator (it has a yield)")
        if isinstance(part, _ASYNC):
            raise Unconvertible("it is an async function")
        if isinstance(part, ast.Call) and isinstance(part.func, ast.Name) and part.func.id in _FRAME_READERS and \
                (part.func.id not in ("vars", "dir") or not part.args):
            raise Unconvertible(f"it calls {part.func.id}(), which reads the variables of the running function")
        waiting += ast.iter_child_nodes(part)


_INTERESTING = (ast.Call, ast.If, ast.IfExp, ast.While, ast.For, ast.BoolOp, ast.Not, ast.Compare, ast.Assert, ast.Raise, ast.comprehension, ast.Try, ast.Match,
                ast.FormattedValue)


def rewrite(definition: Definition, code: CodeType) -> tuple[CodeType, list[Block]] | None:
    """The converted function's code, and what is known of its blocks; None where there is nothing to convert.

    Args:
        definition: a tree that is free to be changed.
        code: of the function as it is.

    Raises:
        Unconvertible: a generator, an async function, or one that reads its own frame.
    """
    node: Any = definition.node
    body = node.body if isinstance(node.body, list) else [ast.copy_location(ast.Return(node.body), node.body)]
    _refuse(node, body)
    if not any(isinstance(part, _INTERESTING) for statement in body for part in ast.walk(statement)):
        return None
    if definition.class_name is not None:
        mangle = _Mangle(definition.class_name)
        node.args = mangle.visit(node.args)
        body = [mangle.visit(s) for s in body]
    globals_ = {n for s in body for part in ast.walk(s) if isinstance(part, ast.Global) for n in part.names}
    outer = {n for s in body for part in ast.walk(s) if isinstance(part, ast.Nonlocal) for n in part.names}
    arguments = {a.arg for a in ast.walk(node.args) if isinstance(a, ast.arg)}
    body = lower_jumps(body, node)
    local = (bound(body) | arguments) - globals_ - outer
    outer = outer - local
    captured, shared = outer_writes(body)
    captured, shared = captured & local, shared & (local | outer)
    analyse(body, frozenset((globals_ & bound(body)) | outer))
    statements = _Statements(node, local, outer, globals_, captured, shared)
    inner = statements.body(body)
    variables = sorted(local - arguments)
    if variables:  # assigned in blocks only, they are still variables of this function
        nothing = ast.Assign([ast.Name(n, ast.Store()) for n in variables], ast.Constant(None))
        inner.insert(_after_declarations(inner), ast.copy_location(ast.If(ast.Constant(False), [nothing], []), body[0]))
    name = "_cg_function"  # its own name is a global of the user's, or a variable around it
    made = ast.FunctionDef(name, _plain(node.args), inner, [], lineno=node.lineno, col_offset=node.col_offset)
    around = ast.FunctionDef("_cg_outer", ast.arguments(posonlyargs=[], args=[ast.arg(n) for n in sorted({"__cg__", *code.co_freevars})],
                             kwonlyargs=[], kw_defaults=[], defaults=[]), [ast.copy_location(made, node)], [], lineno=node.lineno, col_offset=0)
    module = ast.fix_missing_locations(ast.Module([ast.copy_location(around, node)], []))
    compiled = _inner(_inner(compile(module, code.co_filename, "exec", dont_inherit=True, flags=code.co_flags & 0x1000000), "_cg_outer"), name)
    return _as_written(compiled, code), statements.blocks


def _after_declarations(body: list) -> int:
    return next((i for i, s in enumerate(body) if not isinstance(s, (ast.Global, ast.Nonlocal))), 0)


def _plain(arguments: ast.arguments) -> ast.arguments:
    """Without annotations; defaults are those of the function object, here only their number counts."""
    for part in ast.walk(arguments):
        if isinstance(part, ast.arg):
            part.annotation = None
    arguments.defaults = [ast.copy_location(ast.Constant(None), d) for d in arguments.defaults]
    arguments.kw_defaults = [None if d is None else ast.copy_location(ast.Constant(None), d) for d in arguments.kw_defaults]
    return arguments


def _as_written(code: CodeType, owner: CodeType) -> CodeType:
    """The code with the names that the user's functions have. Blocks are called like their function; their qualified names tell them (locations.py)."""

    def name(text: str) -> str:
        return _BLOCK_IN_NAME.sub("", text.replace("_cg_outer.<locals>._cg_function", owner.co_qualname, 1))

    def constant(value: Any) -> Any:
        if isinstance(value, CodeType):
            return _as_written(value, owner)
        return name(value) if isinstance(value, str) and value.startswith("_cg_outer.<locals>._cg_function") else value

    own = owner.co_name if code.co_name.startswith(MARK) or code.co_varnames[:1] == (MARK,) else code.co_name
    return code.replace(co_name=own, co_qualname=name(code.co_qualname), co_consts=tuple(map(constant, code.co_consts)))


_BLOCK_IN_NAME = re.compile(r"\.<locals>\._cg_\w+(?=\.<locals>)")


def _inner(code: CodeType, name: str) -> CodeType:
    return next(c for c in code.co_consts if isinstance(c, CodeType) and c.co_name == name)
