"""From a code object to the syntax tree of its function, in the file as the user wrote it."""
from __future__ import annotations

import ast
import linecache
from types import CodeType
from typing import Any, NamedTuple

__all__ = ["Definition", "Unconvertible", "find_definition"]

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


class Unconvertible(Exception):
    """A function stays as it is; the text says why, in words for its author."""


class Definition(NamedTuple):
    """A function in the tree of its file, and the class around it, whose private names are mangled."""

    node: Any
    class_name: str | None


_files: dict[str, tuple[str, dict[tuple[str, int], list[Definition]]]] = {}


def _index(tree: ast.AST) -> dict[tuple[str, int], list[Definition]]:
    """All functions of a file by name and first line, decorators included, as code objects count it."""
    found: dict[tuple[str, int], list[Definition]] = {}

    def visit(node: ast.AST, class_name: str | None) -> None:
        if isinstance(node, FUNCTIONS):
            name = getattr(node, "name", "<lambda>")
            first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])
            found.setdefault((name, first), []).append(Definition(node, class_name))
        elif isinstance(node, ast.ClassDef):
            class_name = node.name
        for child in ast.iter_child_nodes(node):
            visit(child, class_name)

    visit(tree, None)
    return found


def find_definition(code: CodeType, scope: dict) -> Definition:
    """The tree of a function.

    Raises:
        Unconvertible: there is no source, or it is not the one that the function was made from.
    """
    file = code.co_filename
    text = "".join(linecache.getlines(file, scope))
    if not text:
        raise Unconvertible(f"its source is not available (it was defined in {file})")
    cached = _files.get(file)
    if cached is None or cached[0] != text:
        try:
            cached = _files[file] = (text, _index(ast.parse(text, file)))
        except SyntaxError:
            raise Unconvertible("its source is not available (what the file holds now is no Python program)") from None
    matching = [d for d in cached[1].get((code.co_name, code.co_firstlineno), ()) if _arguments(d.node) == _argument_names(code)]
    if len(matching) > 1:
        matching = _by_columns(code, matching)
    if len(matching) != 1 or not _same_names(code, matching[0]):
        raise Unconvertible("its source is not available (the file has changed since it was loaded)" if not matching or len(matching) == 1 else
                            "its source cannot be told from another function on the same line")
    return matching[0]


def _arguments(node: Any) -> list[str]:
    a = node.args
    names = [arg.arg for arg in (*a.posonlyargs, *a.args, *a.kwonlyargs)]
    return names + [arg.arg for arg in (a.vararg, a.kwarg) if arg is not None]


def _argument_names(code: CodeType) -> list[str]:
    count = code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & 4) + bool(code.co_flags & 8)
    return list(code.co_varnames[:count])


def _by_columns(code: CodeType, candidates: list[Definition]) -> list[Definition]:
    """The innermost of several functions on one line that spans all instructions."""
    places = [(line, column, last, end) for line, last, column, end in code.co_positions()
              if None not in (line, column, last, end) and (line, column) != (code.co_firstlineno, 0)]
    if not places:
        return candidates
    first, last = min(p[:2] for p in places), max(p[2:] for p in places)
    around = []
    for candidate in candidates:
        node: Any = candidate.node
        begin, end = (node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset)
        if begin <= first and last <= end:
            around.append((begin, end, candidate))
    if not around:
        return candidates
    inner = max(around, key=lambda a: (a[0], [-n for n in a[1]]))
    return [inner[2]]


def _same_names(code: CodeType, definition: Definition) -> bool:
    """Whether all names of the code object are in the tree: a file that was edited meanwhile shows here."""
    if "@pytest_ar" in code.co_names:  # pytest writes the asserts of test modules anew
        return True
    known: set[str] = set()
    for node in ast.walk(definition.node):
        for field in ("id", "attr", "name", "module", "arg"):
            value = getattr(node, field, None)
            if isinstance(value, str):
                known.update((value, *value.split(".")))
        for attribute in getattr(node, "kwd_attrs", ()):
            known.add(attribute)
    mangled = f"_{(definition.class_name or '').lstrip('_')}__"
    return all(name in known or name.startswith(mangled) or (name.startswith("__") and name.endswith("__")) or name == "*" for name in code.co_names)
