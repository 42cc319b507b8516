"""Structures of arguments and results: trees of plain JSON in the header of a program file.

A tree is a map with one entry: ``{"tuple": [tree, ...]}``, ``{"list": [...]}``, ``{"dict": [[key, tree], ...]}``, ``{"value": constant}``, ``{"real": "inf"}`` for a number that JSON has no form of; among arguments also ``{"input": i}`` for the i-th
Tensor and ``{"fixed": text}`` for what was given at export and cannot be given again; among results ``{"output": i}``, ``{"input": i}`` and ``{"state": i}``.
"""
from __future__ import annotations

from typing import Any
from collections.abc import Callable

__all__ = ["bind", "build"]


def build(tree: dict, leaf: Callable[[str, int], Any]) -> Any:
    """The result that a tree describes; ``leaf(kind, index)`` gives its Tensors."""
    (kind, content), = tree.items()
    if kind == "tuple":
        return tuple(build(item, leaf) for item in content)
    if kind == "list":
        return [build(item, leaf) for item in content]
    if kind == "dict":
        return {key: build(item, leaf) for key, item in content}
    return content if kind == "value" else float(content) if kind == "real" else leaf(kind, content)


def bind(program: str, arguments: list, args: tuple, kwargs: dict, inputs: list) -> None:
    """Brings the arguments of a call into the order of the program's inputs.

    Raises:
        TypeError: too many arguments, an unknown or a missing one, or another structure than at export.
        ValueError: a constant that differs from that at export.
    """
    by_position = [a for a in arguments if a["kind"] in ("positional", "rest")]
    if len(args) > len(by_position):
        raise TypeError(f"{program} takes at most {len(by_position)} positional arguments, but got {len(args)}")
    given = {id(argument): value for argument, value in zip(by_position, args)}
    named = {a["name"]: a for a in arguments if a["kind"] != "rest"}
    for name, value in kwargs.items():
        argument = named.get(name)
        if argument is None:
            raise TypeError(f"{program} has no argument '{name}'; it has {', '.join(named) or 'none with a name'}")
        if id(argument) in given:
            raise TypeError(f"{program} got the argument '{name}' twice")
        given[id(argument)] = value
    for argument in arguments:
        if id(argument) in given:
            _take(argument["tree"], given[id(argument)], argument["name"], inputs)
        elif _has_tensors(argument["tree"]):
            raise TypeError(f"{program} needs the argument '{argument['name']}'")


def _has_tensors(tree: dict) -> bool:
    (kind, content), = tree.items()
    if kind in ("tuple", "list"):
        return any(map(_has_tensors, content))
    if kind == "dict":
        return any(_has_tensors(item) for _, item in content)
    return kind == "input"


def _take(tree: dict, value: Any, name: str, inputs: list) -> None:
    (kind, content), = tree.items()
    if kind == "input":
        inputs[content] = value
    elif kind in ("tuple", "list"):
        if not isinstance(value, (tuple, list)) or len(value) != len(content):
            raise TypeError(f"{name} has to be a {kind} of {len(content)}, as it was when the program was exported")
        for i, (item, element) in enumerate(zip(content, value)):
            _take(item, element, f"{name}[{i}]", inputs)
    elif kind == "dict":
        if not isinstance(value, dict) or set(value) != {key for key, _ in content}:
            raise TypeError(f"{name} has to be a dict with the keys {', '.join(repr(key) for key, _ in content)}")
        for key, item in content:
            _take(item, value[key], f"{name}[{key!r}]", inputs)
    elif kind == "fixed":
        raise ValueError(f"{name} was fixed when the program was exported ({content}); leave it out")
    elif kind == "real":
        if type(value) is not float or repr(value) != content:
            raise ValueError(f"{name} was {content} when the program was exported, and is part of its code; it cannot be {value!r}")
    elif type(value) is not type(content) or value != content:
        raise ValueError(f"{name} was {content!r} when the program was exported, and is part of its code; it cannot be {value!r}")
