"""What programs print and assert at run time."""
import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest

import cellgrad as ms
from cellgrad._frontend.effects import assert_, print_

VALUES = {
    "float32": np.array([[1.5, -2.0], [np.nan, 1e-9]], np.float32), "float64": np.linspace(0, 1, 3), "float16": np.array([1.5, 65504], np.float16),
    "int8": np.array([-1, 3], np.int8), "uint8": np.array([0, 255], np.uint8), "int32": np.array(7, np.int32), "bool": np.array([True, False]),
    "empty": np.zeros((0, 2), np.float32), "long": np.arange(2000, dtype=np.int64),
}


@pytest.mark.parametrize("name", VALUES)
def test_text_is_that_of_eager_print(name, capsys):
    x = ms.Tensor(VALUES[name])
    print(x, "{}", x)
    eager = capsys.readouterr().out

    @ms.jit
    def f(x):
        print_(x, "{}", x)
        return x

    f(x)
    assert capsys.readouterr().out == eager


def test_bfloat16(capsys):
    x = ms.Tensor([1.5, -3.0], ms.bfloat16)
    print(x)
    eager = capsys.readouterr().out
    ms.jit(lambda x: print_(x) or x)(x)
    assert capsys.readouterr().out == eager


def test_order_and_the_value_at_that_moment(capsys):
    @ms.jit
    def f(x):
        print_("first", x)
        y = x * 2
        print_("second", y)
        return y + x

    for _ in range(2):
        f(ms.Tensor([1.0]))
        assert capsys.readouterr().out == "first [1.]\nsecond [2.]\n"


def test_assertion_ends_the_program_at_the_users_line(capsys):
    @ms.jit
    def f(x):
        assert_(x.sum() > 0, "a positive sum")
        print_("beyond")
        return x

    assert f(ms.Tensor([2.0])).asnumpy() == 2
    assert capsys.readouterr().out == "beyond\n"
    line = test_assertion_ends_the_program_at_the_users_line.__code__.co_firstlineno + 3
    with pytest.raises(AssertionError, match=rf"a positive sum \(.*test_effects.py:{line}\)"):
        f(ms.Tensor([-2.0]))
    assert capsys.readouterr().out == ""
    assert f(ms.Tensor([3.0])).asnumpy() == 3  # reported once


def test_an_output_that_fails_ends_the_program(monkeypatch):
    class Broken:
        writes = 0

        def write(self, text):
            self.writes += 1
            raise OSError("no space")

    @ms.jit
    def f(x):
        print_(x)
        print_(x)
        return x

    broken = Broken()
    monkeypatch.setattr(sys, "stdout", broken)
    with pytest.raises(OSError, match="no space"):
        f(ms.Tensor([1.0]))
    assert broken.writes == 1


def test_a_program_from_the_disk_prints_and_asserts(tmp_path):
    script = tmp_path / "script.py"
    body = textwrap.dedent("""
        import cellgrad as ms
        from cellgrad._frontend.effects import assert_, print_

        @ms.jit
        def f(x):
            print_("x is", x)
            assert_(x.sum() > 0, "positive")
            return x

        f(ms.Tensor([1.0]))
        print("cache" in f.program(ms.Tensor([1.0])).timings() if hasattr(f, "program") else "")
        f(ms.Tensor([-1.0]))
        """)

    def run(text):
        script.write_text(text)
        return subprocess.run([sys.executable, script], capture_output=True, text=True, check=False,
                              env={**os.environ, "CELLGRAD_CACHE_DIR": str(tmp_path / "cache")})

    for _ in range(2):
        done = run(body)
        assert done.stdout.startswith("x is [1.]\n")
        assert done.stdout.endswith("x is [-1.]\n")
        assert "AssertionError: positive (" in done.stderr
        assert "script.py:8)" in done.stderr
    # The same program further down is not the one with the old line.
    assert "script.py:10)" in run("\n\n" + body).stderr
