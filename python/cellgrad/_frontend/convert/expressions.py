"""Expressions: calls, ``and``/``or``/``not``, conditional expressions, chains of comparisons and conditions in comprehensions become calls of the
run-time part (runtime.py). Inner functions stay as they are; they are converted when they are called."""
from __future__ import annotations

import ast
from typing import Any

__all__ = ["MARK", "Expressions", "helper", "thunk"]

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
MARK = "_cg_"  # first argument of generated lambdas; locations.py knows them by it


def helper(name: str, arguments: list, like: Any) -> ast.Call:
    """A call of the run-time part at the place of ``like``."""
    function = ast.Attribute(ast.Name("__cg__", ast.Load()), name, ast.Load())
    call = ast.Call(function, arguments, [])
    for part in (function.value, function, call):
        ast.copy_location(part, like)
    for argument in arguments:
        if not hasattr(argument, "lineno"):
            ast.copy_location(argument, like)
    return call


def thunk(expression: Any) -> ast.Lambda:
    arguments = ast.arguments(posonlyargs=[], args=[ast.arg(MARK)], kwonlyargs=[], kw_defaults=[], defaults=[ast.Constant(None)])
    made = ast.copy_location(ast.Lambda(arguments, expression), expression)
    for part in ast.walk(arguments):
        ast.copy_location(part, expression)
    return made


def _has(node: Any, kinds: tuple) -> bool:
    return any(isinstance(part, kinds) for part in ast.walk(node))


def _simple(node: Any) -> bool:
    """Whether evaluating it does nothing else: no calls, no ``:=``."""
    return not _has(node, (ast.Call, ast.NamedExpr, ast.Await))


class Expressions(ast.NodeTransformer):
    """Rewrites the expressions of one function.

    Args:
        first: the name of its first argument, for ``super()``.
    """

    def __init__(self, first: str | None) -> None:
        self.first = first

    # -- scopes of their own -------------------------------------------------------------------------------------------------
    def _header(self, node: Any) -> Any:
        if hasattr(node, "decorator_list"):
            node.decorator_list = [self.visit(d) for d in node.decorator_list]
        if isinstance(node, ast.ClassDef):
            node.bases = [self.visit(b) for b in node.bases]
            return node
        node.args.defaults = [self.visit(d) for d in node.args.defaults]
        node.args.kw_defaults = [None if d is None else self.visit(d) for d in node.args.kw_defaults]
        return node

    visit_FunctionDef = visit_AsyncFunctionDef = visit_Lambda = visit_ClassDef = _header

    # -- calls ---------------------------------------------------------------------------------------------------------------
    def visit_Call(self, node: ast.Call) -> Any:
        if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name) and node.func.value.id == "__cg__":
            return self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id == "super":
            if not node.args and not node.keywords and self.first:
                node.args = [ast.copy_location(ast.Name(name, ast.Load()), node) for name in ("__class__", self.first)]
            return node
        self.generic_visit(node)
        call = helper("call", [node.func, *node.args], node)
        call.keywords = node.keywords
        return call

    # -- truth ---------------------------------------------------------------------------------------------------------------
    def visit_BoolOp(self, node: ast.BoolOp) -> Any:
        if _has(node, (ast.NamedExpr, ast.Await)):
            node.values = [helper("test", [self.visit(v), ast.Constant("and/or with :=")], v) for v in node.values[:-1]] + [self.visit(node.values[-1])]
            return node
        simple = [_simple(v) for v in node.values]
        values = [self.visit(v) for v in node.values]
        name = "and_" if isinstance(node.op, ast.And) else "or_"
        result = values[-1]
        pure = simple[-1]
        for value, flag in zip(reversed(values[:-1]), reversed(simple[:-1])):
            result = helper(name, [value, thunk(result), ast.Constant(pure)], value)
            ast.copy_location(result, node)
            pure = pure and flag
        return result

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Any:
        self.generic_visit(node)
        return helper("not_", [node.operand], node) if isinstance(node.op, ast.Not) else node

    def visit_IfExp(self, node: ast.IfExp) -> Any:
        walrus = _has(node.body, (ast.NamedExpr, ast.Await)) or _has(node.orelse, (ast.NamedExpr, ast.Await))
        self.generic_visit(node)
        if walrus:
            node.test = helper("test", [node.test, ast.Constant("a conditional expression with :=")], node.test)
            return node
        return helper("if_expression", [node.test, thunk(node.body), thunk(node.orelse)], node)

    def visit_Compare(self, node: ast.Compare) -> Any:
        walrus = _has(node, (ast.NamedExpr, ast.Await))
        self.generic_visit(node)
        names = [type(op).__name__ for op in node.ops]
        if len(names) == 1:
            if names[0] in ("In", "NotIn", "Is", "IsNot") and not isinstance(node.comparators[0], ast.Constant):
                return helper("compare", [ast.Constant(names[0]), node.left, node.comparators[0]], node)
            return node
        if walrus:
            return node
        operands = ast.Tuple([ast.Constant(n) for n in names], ast.Load())
        for part in ast.walk(operands):
            ast.copy_location(part, node)
        return helper("chain", [operands, node.left, *(thunk(c) for c in node.comparators)], node)

    # -- objects made here --------------------------------------------------------------------------------------------------------
    def _made(self, node: Any) -> Any:
        self.generic_visit(node)
        return helper("new", [node], node) if isinstance(getattr(node, "ctx", None) or ast.Load(), ast.Load) else node

    visit_List = visit_Dict = visit_Set = visit_ListComp = visit_DictComp = visit_SetComp = _made

    # -- comprehensions --------------------------------------------------------------------------------------------------------
    def visit_comprehension(self, node: ast.comprehension) -> Any:
        self.generic_visit(node)
        node.ifs = [helper("test", [c, ast.Constant("the condition of a comprehension")], c) for c in node.ifs]
        return node

    # -- targets of stores ------------------------------------------------------------------------------------------------------
    def visit_Subscript(self, node: ast.Subscript) -> Any:
        self.generic_visit(node)
        if not isinstance(node.ctx, ast.Load):
            node.value = helper("container", [node.value], node.value)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> Any:
        self.generic_visit(node)
        if not isinstance(node.ctx, ast.Load):
            node.value = helper("holder", [node.value, ast.Constant(node.attr)], node.value)
        return node


