"""print and assert at run time."""
import subprocess
import sys

import pytest

import cellgrad as ms
from cellgrad import Tensor, jit, ops
from cellgrad._errors import UnsupportedError
from cellgrad._frontend.control import cond, for_loop
from cellgrad._frontend.effects import assert_, print_


@pytest.fixture
def x():
    return Tensor([1.0, 2.0])


def printed(capfd, fn, *args):
    result = fn(*args)
    if isinstance(result, Tensor):
        result.asnumpy()
    return capfd.readouterr().out


@pytest.mark.parametrize("show", [
    lambda x: print_("x =", x, "and {braces}", 3, x * 2), lambda x: print_(x, sep="|", end="!\n"), lambda x: print_("a", x, 1.5, sep=" {} "), lambda x: print_(),
    lambda x: print_("no tensor"), lambda x: print_(x.sum(), x > 1, x.astype(ms.int32)), lambda x: print_("a", "b", sep="", end=""), lambda x: print_(None, sep=None, end=None),
])
def test_prints_what_python_prints(capfd, x, show):
    def f(x):
        show(x)
        return x + 1

    want = printed(capfd, f, x)
    program = jit(f)
    assert printed(capfd, program, x) == want
    assert printed(capfd, program, x) == want  # at each run, not at the capture


def test_in_order_in_loops_and_branches(capfd, x):
    @jit
    def f(x, k):
        print_("start")

        def body(i, v):
            print_("trip", i)
            cond(i % 2 == 0, lambda: print_("even", v), lambda: None)
            return (v + 1,)

        (r,) = for_loop(0, k, 1, body, (x,))
        print_("end", r.sum())
        return r

    lines = printed(capfd, f, x, Tensor(3)).splitlines()
    assert lines == ["start", "trip 0", "even [1. 2.]", "trip 1", "trip 2", "even [3. 4.]", "end 9.0"]


def test_containers_show_their_tensors(capfd, x):
    @jit
    def f(x):
        print_({"a": [x, 1, "s"], "b": (x,)})
        return x

    want = printed(capfd, lambda: print({"a": [x, 1, "s"], "b": (x,)}))
    assert "value= [ 1.00000000e+00,  2.00000000e+00])" in want
    assert printed(capfd, f, x) == want


def test_print_of_the_reference(capfd, x):
    def f(x):
        ops.print_("x", x, x.sum())
        ops.Print()(3)
        return x

    want = f"x\n{x!r}\n{x.sum()!r}\n3\n"
    assert printed(capfd, f, x) == want
    assert printed(capfd, jit(f), x) == want


TOTAL = Tensor([4.0])


def test_texts_show_values_of_the_run(capfd):
    def f(x):
        text = f"sum {x.sum():.3f}, {x.sum():>8.1f}|{x!r} {{}} {x}"
        print(text, str(x) + "!", "%s" % x, TOTAL, f"{TOTAL} {Tensor([7])}")  # noqa: UP031
        print("no tensor")
        return x * 2

    a, b = Tensor([1.0, 2.25]), Tensor([3.0, -4.0])
    want = [printed(capfd, f, a), printed(capfd, f, b)]
    assert "sum 3.250,      3.2|Tensor(shape=[2]" in want[0]
    program = jit(f)
    assert [printed(capfd, program, a), printed(capfd, program, b)] == want
    TOTAL[0] = 5.0
    assert printed(capfd, program, a) == printed(capfd, f, a)


def test_derivatives_print_once_and_batches_print_batches(capfd, x):
    def f(x):
        s = ops.sin(x).sum()
        print(f"s = {s:.2f}")
        return s * s

    assert printed(capfd, ms.grad(f), x) == "s = 1.75\n"
    assert printed(capfd, ms.grad(lambda x: ms.grad(f)(x).sum()), x) == "s = 1.75\n"
    assert printed(capfd, lambda x: ms.jvp(f, x, x)[0], x) == "s = 1.75\n"
    assert printed(capfd, lambda x: ms.vmap(f)(ops.stack([x, x * 0])), x) == "s = [1.75 0.00]\n"


def test_texts_that_are_not_printed_say_what_is_known(x):
    with pytest.raises(ValueError, match=r"bad Tensor\(shape=\[2\], dtype=Float32, value= <traced \d+>\)"):
        @jit
        def f(x):
            raise ValueError(f"bad {x}")

        f(x)


def test_files(x):
    with pytest.raises(UnsupportedError, match="standard output only"):
        jit(lambda x: print_(x, file=sys.stderr))(x)


def test_assert(x):
    @jit
    def f(x):
        assert_((x > 0).all(), "all must be positive")
        return x * 2

    f(x)
    with pytest.raises(AssertionError, match="all must be positive") as raised:
        f(-x).asnumpy()
    assert "test_control_effects.py" in str(raised.value)
    assert f(x).asnumpy().tolist() == [2, 4]  # the program goes on being good


def test_assert_in_a_loop(x):
    f = jit(lambda x, k: for_loop(0, k, 1, lambda i, v: (assert_(i < 3, "too far") or v + 1,), (x,))[0])
    assert f(x, Tensor(3)).asnumpy().tolist() == [4, 5]
    with pytest.raises(AssertionError, match="too far"):
        f(x, Tensor(5)).asnumpy()


def test_assert_with_a_text_of_tensors(x):
    f = jit(lambda x: (assert_(x.sum() > 0, f"the sum of {x} is not positive"), x * 2)[1])
    with pytest.raises(AssertionError, match=r"the sum of Tensor\(shape=\[2\], dtype=Float32\) is not positive"):
        f(-x)


def test_assert_that_python_knows(x):
    assert_(True)
    assert_(x.sum() > 0, "no")
    with pytest.raises(AssertionError, match="no"):
        assert_(x.sum() < 0, "no")
    with pytest.raises(AssertionError, match="static"):
        jit(lambda x: assert_(x.ndim == 2, "static"))(x)


def test_programs_of_the_disk_cache_print(tmp_path):
    code = "import cellgrad as ms\nfrom cellgrad._frontend.effects import print_\nf = ms.jit(lambda x: (print_('x', x), x + 1)[1])\nf(ms.Tensor([1.0]))\n"
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={**__import__("os").environ, "CELLGRAD_CACHE_DIR": str(tmp_path)})
        assert done.stdout == "x [1.]\n", done.stderr
