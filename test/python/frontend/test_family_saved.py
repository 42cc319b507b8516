"""``saved`` and ``print_saved``: what is kept between forward and backward, with the user's lines."""
from __future__ import annotations

import numpy as np
import pytest

import cellgrad as ms
from cellgrad import Tensor, jit, nn, ops


class Net(nn.Cell):
    def __init__(self):
        super().__init__()
        self.a = nn.Dense(16, 32)
        self.b = nn.Dense(32, 4)

    def construct(self, x):
        h = ops.tanh(self.a(x))
        return (self.b(h) ** 2).mean()


X = Tensor(np.ones((8, 16), np.float32))
TANH_LINE = Net.construct.__code__.co_firstlineno + 1


def test_values_of_a_network():
    found = ms.saved(Net(), X)
    assert found == sorted(found, key=lambda v: -v.bytes * v.times)
    [hidden] = [v for v in found if v.shape == (8, 32)]
    assert (hidden.file, hidden.line, hidden.dtype, hidden.bytes, hidden.times) == (__file__, TANH_LINE, ms.float32, 8 * 32 * 4, 1)
    assert hidden.needed_line in (TANH_LINE, TANH_LINE + 1) and not hidden.per_iteration


def test_nothing_runs_and_nothing_is_compiled():
    net = Net()
    g = ms.value_and_grad(net, None, net.trainable_params())
    assert len(ms.saved(g, X)) == len(ms.saved(net, X))
    assert not g.explain(X)  # no program came of it
    step = jit(lambda x: g(x)[0])
    assert [v.bytes for v in ms.saved(step, X)] == [v.bytes for v in ms.saved(net, X)]
    with pytest.raises(TypeError, match="callable"):
        ms.saved(5)


def test_what_is_cheap_is_computed_again():
    assert ms.saved(lambda x: ops.tanh(x).sum(), X) == []


def test_loops_of_unknown_length_count_per_iteration():
    def repeated(x, n):
        i = n * 0
        while i < n:
            x = ops.sin(x) * x
            i = i + 1
        return x

    found = ms.saved(repeated, X, Tensor(3, ms.int32))
    assert found and all(v.per_iteration for v in found if v.shape == X.shape)


def test_table(capsys):
    ms.print_saved(Net(), X)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("after_grad" if "after_grad" in lines[0] else "Net keeps") and "in all" in lines[0]
    assert lines[1].split()[:3] == ["line", "operation", "value"]
    assert any(f"test_family_saved.py:{TANH_LINE}" in line and "[8, 32]" in line and "1.0 KiB" in line for line in lines[2:])
    ms.print_saved(lambda x: x + 1.0, X)
    assert "keeps 0 values" in capsys.readouterr().out
