"""Early ``return``, ``break`` and ``continue`` as structure: an ``if`` that leaves takes the rest of its block into the other branch, and what cannot be
said so becomes a flag.

Afterwards a tree has no break and continue, and a ``return`` only where leaving the Python function at hand returns from the user's function. On such
trees ``if`` statements carry ``returns`` (both branches end the function), loops ``broken`` (the flag that ends them, or None).
"""
from __future__ import annotations

import ast
from typing import Any

__all__ = ["RETURNED", "VALUE", "lower_jumps"]

RETURNED, VALUE = "_cg_returned", "_cg_value"
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_LOOPS = (ast.While, ast.For)
_BLOCKS = (ast.With, ast.Try, ast.Match, ast.TryStar)


def _jumps(nodes: Any, in_loop: bool = False) -> set[str]:
    """Which of return, break and continue leave the statements."""
    found: set[str] = set()
    for node in nodes if isinstance(nodes, list) else [nodes]:
        if isinstance(node, _SCOPES):
            continue
        if isinstance(node, ast.Return):
            found.add("return")
        elif isinstance(node, (ast.Break, ast.Continue)):
            if not in_loop:
                found.add("break" if isinstance(node, ast.Break) else "continue")
        elif isinstance(node, _LOOPS):
            found |= _jumps(node.body, True) | _jumps(node.orelse, in_loop)
        else:
            found |= _jumps(list(ast.iter_child_nodes(node)), in_loop)
    return found


def _leaves(block: list) -> bool:
    """Whether a block never reaches its end."""
    for s in block:
        if isinstance(s, (ast.Return, ast.Break, ast.Continue, ast.Raise)):
            return True
        if isinstance(s, ast.If) and _leaves(s.body) and _leaves(s.orelse):
            return True
        if isinstance(s, ast.With) and _leaves(s.body):
            return True
        if isinstance(s, ast.Try) and (_leaves(s.finalbody) or ((_leaves(s.body) or _leaves(s.orelse)) and all(_leaves(h.body) for h in s.handlers))):
            return True
        if _endless(s) and "break" not in _jumps(s.body):
            return True
    return False


def _endless(s: Any) -> bool:
    return isinstance(s, ast.While) and isinstance(s.test, ast.Constant) and bool(s.test.value)


def _branching(s: Any) -> bool:
    """Whether a return stands below an ``if`` or a loop of a with, try or match statement."""
    return any(isinstance(n, (ast.If, *_LOOPS, ast.Match)) and "return" in _jumps(n) for n in ast.walk(s) if n is not s) or isinstance(s, ast.Match)


def _at(node: Any, like: Any) -> Any:
    for part in ast.walk(node):
        if not hasattr(part, "lineno"):
            ast.copy_location(part, like)
    return node


def _set(name: str, value: Any, like: Any) -> ast.Assign:
    return _at(ast.Assign([ast.Name(name, ast.Store())], value if isinstance(value, ast.expr) else ast.Constant(value)), like)


def _get(name: str, like: Any) -> ast.Name:
    return _at(ast.Name(name, ast.Load()), like)


def _none_set(flags: list[str], like: Any) -> ast.expr:
    call = ast.Call(ast.Attribute(ast.Name("__cg__", ast.Load()), "go", ast.Load()), [ast.Name(f, ast.Load()) for f in flags], [])
    return _at(call, like)


class _Loop:
    def __init__(self, number: int) -> None:
        self.broken, self.skipped = f"_cg_broken{number}", f"_cg_skipped{number}"


class _Lowering:
    def __init__(self) -> None:
        self.loops = 0
        self.flags_return = False

    # ``loop`` is the loop around; ``native``: a return may stay; ``tail``: the end of the block is the end of the function.
    def block(self, statements: list, loop: _Loop | None, native: bool, tail: bool) -> list:
        out: list = []
        rest = list(statements)
        while rest:
            s = rest.pop(0)
            jumps = _jumps(s)
            if isinstance(s, ast.Return):
                out += [s] if native else self._flag_return(s, loop)
                return out
            if isinstance(s, (ast.Break, ast.Continue)):
                assert loop is not None
                out.append(_set(loop.broken if isinstance(s, ast.Break) else loop.skipped, True, s))
                return out
            if isinstance(s, ast.If):
                if jumps:
                    out += self._leaving_if(s, jumps, rest, loop, native, tail)
                    return out
                s.body, s.orelse = self.block(s.body, loop, False, False), self.block(s.orelse, loop, False, False)
                out.append(s)
            elif isinstance(s, _LOOPS):
                own = _jumps(s.body)
                inner, orelse = self._loop(s, own, loop)
                out += inner
                if "return" in own:
                    return out + self._after(s, ["return"], orelse + rest, loop, native, tail, endless=_endless(s) and "break" not in own)
                rest = orelse + rest
            elif isinstance(s, _BLOCKS) and jumps:
                if native and jumps == {"return"} and not _branching(s):
                    self._parts(s, loop, True)
                    out.append(s)
                else:
                    self._parts(s, loop, False)
                    out.append(s)
                    return out + self._after(s, sorted(jumps), rest, loop, native, tail)
            elif isinstance(s, _BLOCKS):
                self._parts(s, loop, False)
                out.append(s)
            else:
                out.append(s)
        return out

    def _flag_return(self, s: ast.Return, loop: _Loop | None) -> list:
        self.flags_return = True
        out = [_set(VALUE, s.value or ast.Constant(None), s), _set(RETURNED, True, s)]
        return out + ([_set(loop.broken, True, s)] if loop is not None else [])

    def _leaving_if(self, s: ast.If, jumps: set, rest: list, loop: _Loop | None, native: bool, tail: bool) -> list:
        """An ``if`` with jumps and what follows it."""
        if _leaves(s.body):
            s.orelse, rest = s.orelse + rest, []
        elif _leaves(s.orelse):
            s.body, rest = s.body + rest, []
        if native and tail and not rest:
            s.body, s.orelse = self._to_end(s.body, s), self._to_end(s.orelse, s)
            s.returns = True  # type: ignore[attr-defined]
            return [s]
        s.body, s.orelse = self.block(s.body, loop, False, False), self.block(s.orelse, loop, False, False)
        return [s, *self._after(s, sorted(jumps), rest, loop, native, tail)]

    def _to_end(self, block: list, like: Any) -> list:
        ends = _leaves(block)
        out = self.block(block, None, True, True)
        if not ends and not (out and getattr(out[-1], "returns", False)):
            out.append(_at(ast.Return(ast.Attribute(ast.Name("__cg__", ast.Load()), "FELL", ast.Load())), block[-1] if block else like))
        return out

    def _after(self, s: Any, jumps: list, rest: list, loop: _Loop | None, native: bool, tail: bool, endless: bool = False) -> list:
        """What follows a statement that may have set flags, run where it has set none."""
        if native and "return" in jumps:
            value = _at(ast.Return(_get(VALUE, s)), s)
            if endless:
                return [value]
            test = _get(RETURNED, s)
            if tail:
                found = _at(ast.If(test, [value], self._to_end(rest, s)), s)
                found.returns = True
                return [found]
            return [_at(ast.If(test, [value], []), s), *self.block(rest, loop, native, tail)]
        if not rest:
            return []
        flags = []
        if loop is not None:
            flags = [loop.broken] * ("break" in jumps or "return" in jumps) + [loop.skipped] * ("continue" in jumps)
        elif "return" in jumps:
            flags = [RETURNED]
        return [_at(ast.If(_none_set(flags, s), self.block(rest, loop, False, False), []), s)]

    def _loop(self, s: Any, jumps: set, outer: _Loop | None) -> tuple[list, list]:
        """The loop with its flags, and its ``else`` as statements after it."""
        self.loops += 1
        loop = _Loop(self.loops)
        s.broken = loop.broken if jumps & {"break", "return"} else None
        out: list = [_set(loop.broken, False, s), s] if s.broken else [s]
        s.body = self.block(s.body, loop, False, False)
        if "continue" in jumps:
            s.body.insert(0, _set(loop.skipped, False, s.body[0]))
        if "return" in jumps and outer is not None:  # a return inside leaves the loops around, too
            out.append(_set(outer.broken, _get(RETURNED, s), s))
        orelse, s.orelse = s.orelse, []
        if orelse and s.broken:
            orelse = [_at(ast.If(_none_set([loop.broken], orelse[0]), orelse, []), orelse[0])]
        return out, orelse

    def _parts(self, s: Any, loop: _Loop | None, native: bool) -> None:
        if isinstance(s, ast.With):
            s.body = self.block(s.body, loop, native, False)
        elif isinstance(s, ast.Match):
            for case in s.cases:
                case.body = self.block(case.body, loop, native, False)
        else:
            jumps = _jumps(s.body)
            s.body = self.block(s.body, loop, native, False)
            orelse = self.block(s.orelse, loop, native, False)
            if orelse and jumps and not native:
                flags = ([loop.broken] * bool(jumps & {"break", "return"}) + [loop.skipped] * ("continue" in jumps)) if loop is not None else [RETURNED]
                orelse = [_at(ast.If(_none_set(flags, orelse[0]), orelse, []), orelse[0])]
            s.orelse = orelse
            for handler in s.handlers:
                handler.body = self.block(handler.body, loop, native, False)
            s.finalbody = self.block(s.finalbody, loop, native, False)


def lower_jumps(body: list, like: Any) -> list:
    """The body of a function without break, continue and returns from inside loops (see the module)."""
    lowering = _Lowering()
    out = lowering.block(body, None, True, True)
    if lowering.flags_return:
        out.insert(0, _set(RETURNED, False, like))
    return out
