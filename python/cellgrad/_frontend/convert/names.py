"""Which names statements bind and read, and which are read afterwards (liveness), on trees without jumps."""
from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Any

__all__ = ["analyse", "bound", "outer_writes", "reads"]

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_HIDDEN = "__cg__"


def _children(node: ast.AST) -> Iterable[ast.AST]:
    return ast.iter_child_nodes(node)


def _header(node: Any) -> list[ast.AST]:
    """What the definition of a function or class evaluates in the scope around it."""
    parts: list = list(getattr(node, "decorator_list", ()))
    if isinstance(node, ast.ClassDef):
        return parts + node.bases + [k.value for k in node.keywords]
    return parts + node.args.defaults + [d for d in node.args.kw_defaults if d is not None]


def bound(nodes: Any) -> set[str]:
    """Names that the statements bind in their own scope."""
    found: set[str] = set()

    def visit(node: Any) -> None:
        if isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
            if not isinstance(node, ast.Lambda):
                found.add(node.name)
            for part in _header(node):
                visit(part)
            return
        if isinstance(node, ast.Name):
            if not isinstance(node.ctx, ast.Load):
                found.add(node.id)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            found.update((alias.asname or alias.name).partition(".")[0] for alias in node.names)
        elif isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)):
            if node.name:
                found.add(node.name)
        elif isinstance(node, ast.MatchMapping):
            if node.rest:
                found.add(node.rest)
        elif isinstance(node, _COMPREHENSIONS):
            for inner in ast.walk(node):  # only `:=` reaches out of a comprehension
                if isinstance(inner, ast.NamedExpr):
                    found.add(inner.target.id)
            return
        for child in _children(node):
            visit(child)

    for node in nodes if isinstance(nodes, list) else [nodes]:
        visit(node)
    return found


def reads(*nodes: Any) -> set[str]:
    """Names that the nodes read from their scope, inner functions included."""
    found: set[str] = set()

    def visit(node: Any, hidden: frozenset) -> None:
        if isinstance(node, _FUNCTIONS):
            for part in _header(node):
                visit(part, hidden)
            body = node.body if isinstance(node.body, list) else [node.body]
            arguments = {a.arg for a in ast.walk(node.args) if isinstance(a, ast.arg)}
            own = (arguments | bound(body)) - _declared(body)
            for part in body:
                visit(part, hidden | own)
        elif isinstance(node, _COMPREHENSIONS):
            inner = hidden
            for generator in node.generators:
                visit(generator.iter, inner)
                inner = inner | bound(generator.target)
                for condition in generator.ifs:
                    visit(condition, inner)
            for part in (node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,):
                visit(part, inner)
        elif isinstance(node, ast.Name):
            if isinstance(node.ctx, ast.Load) and node.id not in hidden and node.id != _HIDDEN:
                found.add(node.id)
        else:
            for child in _children(node):
                visit(child, hidden)

    for node in nodes:
        if node is not None:
            visit(node, frozenset())
    return found


def _declared(body: list) -> set[str]:
    return {name for node in body for inner in ast.walk(node) if isinstance(inner, (ast.Global, ast.Nonlocal)) for name in inner.names}


def outer_writes(body: list) -> tuple[set[str], set[str]]:
    """Names that inner functions read, and names that inner functions assign by ``nonlocal``."""
    captured: set[str] = set()
    shared: set[str] = set()
    for node in body:
        for inner in ast.walk(node):
            if isinstance(inner, (*_FUNCTIONS, ast.ClassDef)):
                captured |= reads(inner)
                for statement in ast.walk(inner):
                    if isinstance(statement, ast.Nonlocal):
                        shared.update(statement.names)
    return captured | shared, shared


def analyse(body: list, always: frozenset) -> None:
    """Writes ``live_out`` (names read after it) on every ``if`` and loop, and ``live_head`` (read by the next iteration or after) on loops.

    Args:
        body: of a function, without break, continue and returns inside loops.
        always: names that count as read everywhere (global and nonlocal ones).
    """
    _flow(body, set(always), set(always))


def _flow(body: list, out: set[str], extra: set[str]) -> set[str]:
    live = set(out)
    for statement in reversed(body):
        live = _statement(statement, live | extra, extra)
    return live


def _statement(s: Any, out: set[str], extra: set[str]) -> set[str]:
    """The names that are live before the statement."""
    kind = type(s)
    if kind is ast.If:
        after = set(extra) if getattr(s, "returns", False) else out
        s.live_out = frozenset(after)
        return reads(s.test) | _flow(s.body, after, extra) | _flow(s.orelse, after, extra)
    if kind in (ast.While, ast.For):
        s.live_out = frozenset(out)
        flag = {s.broken} if getattr(s, "broken", None) else set()
        every = reads(s.test) if kind is ast.While else set()
        target = bound(s.target) if kind is ast.For else set()
        head = out | every | flag
        while True:
            now = head | (_flow(s.body, head, extra) - target)
            if now == head:
                break
            head = now
        s.live_head = frozenset(head)
        return head | (reads(s.iter, s.target) if kind is ast.For else set())
    if isinstance(s, (ast.Return, ast.Raise)):
        return reads(*_children(s)) | extra
    if isinstance(s, (ast.With, ast.AsyncWith)):
        inner = _flow(s.body, out, extra)
        for item in reversed(s.items):
            if item.optional_vars is not None:
                inner = (inner - bound(item.optional_vars)) | reads(item.optional_vars)
            inner |= reads(item.context_expr)
        return inner
    if kind in (ast.Try, ast.TryStar):
        final = _flow(s.finalbody, out, extra)
        handlers = set(final)
        for handler in s.handlers:
            handlers |= reads(handler.type) | _flow(handler.body, final, extra | final)
        return _flow(s.body, _flow(s.orelse, final, extra | final), extra | handlers) | handlers
    if isinstance(s, ast.Match):
        live = reads(s.subject) | out
        for case in s.cases:
            live |= reads(case.pattern, case.guard) | _flow(case.body, out, extra)
        return live
    if isinstance(s, (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)):
        return (out - {s.name}) | reads(s)
    if isinstance(s, ast.AugAssign):
        return out | bound(s.target) | reads(s.target, s.value)
    if isinstance(s, (ast.Assign, ast.AnnAssign)):
        targets = s.targets if isinstance(s, ast.Assign) else [s.target] if s.value is not None else []
        killed = set().union(*(bound(t) for t in targets)) if targets else set()
        return (out - killed) | reads(*targets, s.value)
    if isinstance(s, ast.Delete):
        return (out - bound(s.targets)) | reads(*s.targets)
    if isinstance(s, (ast.Import, ast.ImportFrom)):
        return out - bound(s)
    return out | reads(s)
