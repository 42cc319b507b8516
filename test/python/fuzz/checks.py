"""What holds for every program: eager = compiled, gradient = finite differences, forward = reverse, a symmetric second derivative."""
from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from programs import SHAPES

import cellgrad as ms
from cellgrad import Tensor


class Disagreement(AssertionError):
    """Two ways to the same number give different ones."""


def load(path: Path) -> Any:
    """The module of a program, imported from its file: its functions have source text and line numbers."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def inputs(seed: int) -> tuple[list[np.ndarray], int]:
    random = np.random.default_rng(seed)
    return [random.uniform(-1, 1, shape) for shape in SHAPES.values()], int(random.integers(0, 4))


def tensors(arrays: list[np.ndarray], n: int) -> list[Tensor]:
    return [*(Tensor(np.array(a)) for a in arrays), Tensor(np.array(n, np.int64))]


def number(value: Any) -> float:
    return float(value.asnumpy()) if isinstance(value, Tensor) else float(value)


def dot(left: list[np.ndarray], right: list[np.ndarray]) -> float:
    return float(sum((a * b).sum() for a, b in zip(left, right)))


def close(what: str, got: float, want: float, tolerance: float, scale: float = 1.0) -> None:
    if not (abs(got - want) <= tolerance * max(scale, abs(got), abs(want)) or (np.isnan(got) and np.isnan(want))):
        raise Disagreement(f"{what}: {got!r} against {want!r}")


def slope(f: Callable[[float], float]) -> tuple[float, float] | None:
    """Derivative at 0 by central differences and the error that three steps let expect; None near a kink or a jump."""
    at = {h: (f(h) - f(-h)) / (2 * h) for h in (1e-4, 5e-5, 2.5e-5)}
    one, two, three = at.values()
    # Where f is smooth, halving the step divides the error by four.
    coarse, fine = (4 * two - one) / 3, (4 * three - two) / 3
    error = abs(coarse - fine)
    sides = abs((f(2.5e-5) - f(0)) - (f(0) - f(-2.5e-5))) / 2.5e-5
    if not np.isfinite(fine) or error > 1e-5 * max(1.0, abs(fine)) or sides > 1e-2 * max(1.0, abs(fine)):
        return None
    return fine, error


def starting_afresh(net: Any) -> Callable[[Callable], Callable]:
    """Wraps a function of a program: each call starts with the Parameters' first values, since a program may write into them."""
    first = {p.name: p.asnumpy().copy() for p in net.get_parameters()}

    def wrap(function: Callable) -> Callable:
        def call(*args: Any) -> Any:
            for parameter in net.get_parameters():
                parameter.set_data(Tensor(first[parameter.name].copy()))
            return function(*args)
        return call
    return wrap


def check(path: Path, seed: int) -> set[str]:
    """Raises where something disagrees or fails; names what was compared."""
    module = load(path)
    f, afresh = module.f, starting_afresh(module.net)
    arrays, n = inputs(seed)
    random = np.random.default_rng(seed + 1)
    u, v = ([random.standard_normal(shape) for shape in SHAPES.values()] for _ in range(2))
    done = {"eager"}
    compiled = afresh(ms.jit(f))
    value = number(afresh(f)(*tensors(arrays, n)))
    written = {p.name: p.asnumpy().copy() for p in module.net.get_parameters()}
    close("compiled against eager", number(compiled(*tensors(arrays, n))), value, 1e-9)
    for parameter in module.net.get_parameters():
        close(f"{parameter.name} after compiled against eager", float(np.abs(parameter.asnumpy() - written[parameter.name]).max()), 0.0, 1e-9)

    positions = (0, 1, 2)
    both = afresh(ms.value_and_grad(f, positions))
    got, gradient = both(*tensors(arrays, n))
    close("value of value_and_grad against eager", number(got), value, 1e-9)
    gradient = [g.asnumpy() for g in gradient]
    along = dot(gradient, u)
    scale = 1 + float(sum(np.abs(g).sum() for g in gradient))
    difference = slope(lambda h: number(compiled(*tensors([a + h * d for a, d in zip(arrays, u)], n))))
    if difference is not None:
        done.add("differences")
        close("gradient against finite differences", along, difference[0], 1e-5, scale)

    trip = Tensor(np.array(n, np.int64))
    pushed = afresh(ms.jvp)(lambda a, b, c: f(a, b, c, trip), tuple(tensors(arrays, n)[:3]), tuple(tensors(u, n)[:3]))[1]
    done.add("forward")
    close("forward against reverse", number(pushed), along, 1e-8, scale)

    grad = ms.grad(f, positions)

    def second(direction: list[np.ndarray]) -> list[np.ndarray]:
        def moved(a, b, c):
            g = grad(a, b, c, trip)
            return sum((x * y).sum() for x, y in zip(g, tensors(direction, n)))
        return [g.asnumpy() for g in afresh(ms.grad(moved, positions))(*tensors(arrays, n)[:3])]

    first, other = dot(second(u), v), dot(second(v), u)
    done.add("second")
    close("second derivative, symmetry", first, other, 1e-7, 1 + abs(first) + scale)
    return done
