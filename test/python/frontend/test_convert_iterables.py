"""``for`` over rows of Tensors, lists, dicts and what Python makes of them: eager = compiled = expected."""
from __future__ import annotations


import numpy as np
import pytest
from convert_support import n_loops, same

import cellgrad as ms
from cellgrad import Tensor, nn

X = Tensor([1.0, 2.0])
ROWS = Tensor(np.arange(40, dtype=np.float32).reshape(20, 2) / 8)
COUNTS = pytest.mark.parametrize("n", [0, 1, 5])



@pytest.mark.parametrize(("rows", "loops"), [(4, 0), (20, 1)])
def test_rows_of_a_tensor(rows, loops):
    def f(x):
        total = Tensor([0.0, 0.0])
        for row in x:
            if row[0] > 1:
                total = total + row
        return total

    same(f, ROWS[:rows])
    assert n_loops(f, ROWS[:rows]) == loops


def test_lists_dicts_zip_enumerate_reversed():
    def f(parts, table):
        total = parts[0] * 0
        for i, p in enumerate(parts):
            total = total + p * i
        for (a, b), k in zip(parts_of(parts), reversed([1, 2])):
            total = total + a * b * k
        for name, value in table.items():
            if name == "skip":
                continue
            if value.sum() > 0:
                total = total + value
        for p in (q for q in parts if q is not None):
            total = total - p
        return total

    def parts_of(values):
        return [(values[0], values[1]), (values[1], values[2])]

    same(f, [X, X + 1, X * 3], {"skip": X, "use": X * 10, "not": -X})


def test_break_on_a_tensor_in_a_loop_over_a_list():
    def f(parts, top):
        total = parts[0] * 0
        for p in parts:
            total = total + p
            if total.sum() > top:
                break
        else:
            total = total * 100
        return total

    same(f, [X, X, X], Tensor(5.0), expected=[2.0, 4.0])
    same(f, [X, X, X], Tensor(500.0), expected=[300.0, 600.0])


def test_comprehensions():
    def f(v, n):
        parts = [v * i for i in range(n) if i != 1]
        table = {k: p for k, p in enumerate(parts)}
        return sum(parts) + sum(table[k] for k in table) + max(p.sum() for p in parts) + sum([a * b for a, b in zip(parts, parts)])

    same(f, X, 4)


@pytest.mark.parametrize("name", ["sum", "max", "min", "any", "all", "sorted", "abs", "map", "filter", "in"])
def test_builtins(name):
    bodies = {
        "sum": lambda v: sum(v) + sum([v, v]).sum(), "max": lambda v: max(v) + max(v[0], v[1], 1.5), "min": lambda v: min(v) + min([v[0], v[1]]),
        "any": lambda v: any([v[0] > 5, v[1] > 1]), "all": lambda v: all(v > 0), "sorted": lambda v: [v * k for k in sorted([3, 1, 2], key=lambda k: -k)],
        "abs": lambda v: abs(-v), "map": lambda v: list(map(lambda p: p if p > 1 else -p, v)), "filter": lambda v: list(filter(lambda k: k > 1, [1, 2, 3]))[0] * v,
        "in": lambda v: v * 2 if 2.0 in v else v,
    }
    same(bodies[name], X)


def test_lists_that_an_iteration_makes_itself():
    class Split(nn.Cell):
        def construct(self, v):
            parts, table = [], {}
            for k in range(3):
                parts.append(v * k)
                table[k] = parts[-1] + 1
            more = list(parts)
            more.extend(table.values())
            more[0] = v
            return sum(sorted(more, key=lambda p: 1))

    split = Split()

    def f(v, n):
        for _ in range(n):
            if v.sum() < 1000:
                v = split(v) * 0.1
        return v

    same(f, X, Tensor(3))
    same(f, X, 20)
    assert n_loops(f, X, 20) == 1


@pytest.mark.parametrize("rows", [4, 20])
def test_enumerate_zip_and_reversed_over_rows(rows):
    def f(x):
        total = x[0] * 0
        for i, row in enumerate(x, 1):
            total = total + row * i
        for k, (a, b) in zip(reversed(range(rows)), enumerate(x)):
            if b[0] > 1:
                total = total - b * k + a
        for row in reversed(x):
            total = total * 0.5 + row
        it = zip(x, range(rows))
        first, _ = next(it)
        for row, i in it:
            total = total + first * row * i
        return total

    same(f, ROWS[:rows])
    assert n_loops(f, ROWS[:rows]) == (0 if rows == 4 else 3)


def test_zip_of_different_lengths():
    def f(x, y):
        total = x[0] * 0
        for a, b in zip(x, y):
            total = total + a * b
        return total

    same(f, ROWS, ROWS[:17])
    assert n_loops(f, ROWS, ROWS[:17]) == 1


@pytest.mark.parametrize("rows", [3, 20])
def test_loops_go_over_rows_as_they_were(rows):
    """Writing into the Tensor that a loop goes over changes nothing in what the loop gets, eagerly, written out or staged."""
    def f(a):
        total = a.sum() * 0
        for row in a:
            a[::2] = a[::2] * 0.2 + row.sum()
            total = total + row.sum()
        for i, (row, again) in enumerate(zip(reversed(a), a)):
            a[1:] = a[1:] * 0.3 + row.sum() + again
            total = total + (row * again).sum() * i
        return total + a.sum()

    x = np.arange(rows * 2).reshape(rows, 2) / 7
    a, want = x.copy(), 0.0
    for row in x:
        a[::2] = a[::2] * 0.2 + row.sum()
        want += row.sum()
    begun = a.copy()
    for i, (row, again) in enumerate(zip(begun[::-1], begun)):
        a[1:] = a[1:] * 0.3 + row.sum() + again
        want += (row * again).sum() * i
    for call in (f, ms.jit(f)):
        np.testing.assert_allclose(call(Tensor(x.copy())).asnumpy(), want + a.sum(), rtol=1e-12)
