"""Branches, loops, batches, side effects and function attributes built from Python; mistakes are errors that name what differs."""
import numpy as np
import pytest

from cellgrad._compiler import Builder, CompileError, Module, _native


class Parts:
    """A function with some values to use, and small functions to call."""

    def __init__(self):
        self.builder = Builder()
        self.double = self.make("double", [("f32", (2,))], "cell.add", (0, 0))
        self.minus = self.make("minus", [("f32", (2,)), ("f32", (2,))], "cell.sub", (0, 1))
        self.body = self.make("body", [("i64", ()), ("f32", (2,)), ("f32", (2,))], "cell.add", (1, 2))
        self.wide = self.make("wide", [("f32", (3,))], "cell.add", (0, 0))
        self.test = self.make("test", [("f32", (2,)), ("i1", ())], None, (1,))
        self.f = self.builder.function("main")
        self.flag, self.x, self.y, self.n = (self.f.argument(*a) for a in (("i1", ()), ("f32", (2,)), ("f32", (2,)), ("i64", ())))

    def make(self, name, arguments, op, chosen):
        f = self.builder.function(name)
        values = [f.argument(*a) for a in arguments]
        operands = [values[i] for i in chosen]
        f.finish(f.op(op, operands) if op else operands)
        return f

    def text(self, results):
        self.f.finish(results)
        text = self.builder.finish(self.f).text()
        assert Module.parse(text).text() == text
        return text


@pytest.fixture
def p():
    return Parts()


def refused(match):
    return pytest.raises(CompileError, match=match)


def test_branch(p):
    (r,) = p.f.branch(p.flag, p.double, [p.x], p.minus, [p.x, p.y])
    assert (r.dtype, r.shape) == ("f32", (2,))
    text = p.text([r])
    assert "scf.if" in text and text.index("call @double(%arg1)") < text.index("else") < text.index("call @minus(%arg1, %arg2)")


def test_loops(p):
    (r,) = p.f.for_loop(p.n, p.n, p.n, p.body, [p.x], [p.y])
    (r,) = p.f.while_loop(p.test, [p.flag], p.double, [], [r])
    text = p.text([r])
    assert "scf.for" in text and "iter_args(%arg5 = %arg1)" in text and "call @body(%from_elements, %arg5, %arg2)" in text
    assert text.index("scf.while") < text.index("call @test") < text.index("scf.condition") < text.index("call @double")


def test_a_branch_without_results(p):
    nothing = p.builder.function("nothing")
    nothing.print("here\n", [])
    nothing.finish([])
    assert p.f.branch(p.flag, nothing, [], nothing, []) == []
    assert p.text([p.x]).count("call @nothing()") == 2


def test_wrong_branches(p):
    with refused(r"condition must be tensor<i1>, not tensor<2xf32>"):
        p.f.branch(p.x, p.double, [p.x], p.double, [p.x])
    with refused(r"result 0 of 'wide' is tensor<3xf32>, but 'double' has tensor<2xf32>"):
        p.f.branch(p.flag, p.double, [p.x], p.wide, [p.f.constant(np.zeros(3, np.float32), "f32")])
    with refused(r"'minus' takes 2 arguments, but gets 1"):
        p.f.branch(p.flag, p.double, [p.x], p.minus, [p.x])
    with refused(r"argument 0 of 'double' is tensor<2xf32>, but gets tensor<i64>"):
        p.f.branch(p.flag, p.double, [p.n], p.double, [p.x])
    with refused("is not finished yet"):
        p.f.branch(p.flag, p.f, [], p.double, [p.x])
    with refused("not in the same module"):
        p.f.branch(p.flag, Parts().double, [p.x], p.double, [p.x])
    with pytest.raises(TypeError, match="condition must be a Value, not int"):
        p.f.branch(1, p.double, [p.x], p.double, [p.x])
    p.text(p.f.branch(p.flag, p.double, [p.x], p.double, [p.y]))  # nothing of what was refused is left


def test_wrong_loops(p):
    with refused("a bound must be a 0-d tensor of signed integers, not tensor<2xf32>"):
        p.f.for_loop(p.n, p.x, p.n, p.body, [p.x], [p.y])
    with refused("a bound must be .* not tensor<i1>"):
        p.f.for_loop(p.flag, p.n, p.n, p.body, [p.x], [p.y])
    with refused("'body' takes 3 arguments, but gets 2"):
        p.f.for_loop(p.n, p.n, p.n, p.body, [p.x], [])
    with refused("'body' has 1 results, but carried is 2"):
        p.f.for_loop(p.n, p.n, p.n, p.body, [p.x, p.y], [])
    with refused("'double' must have one result of type tensor<i1>"):
        p.f.while_loop(p.double, [], p.double, [], [p.x])
    with refused("'test' takes 2 arguments, but gets 1"):
        p.f.while_loop(p.test, [], p.double, [], [p.x])


def test_jvp_and_vmap(p):
    value, tangent = p.f.jvp(p.minus, [p.x, p.y], [p.x], [1], [0])
    batch = p.f.op("cell.broadcast", [p.x], {"shape": (4, 2)})[0]
    (r,) = p.f.vmap(p.minus, [batch, p.y], [0, -1], [1], 4)
    assert (tangent.shape, r.shape) == ((2,), (2, 4))
    text = p.text([value, tangent, r])
    assert "cell.jvp @minus" in text and "cell.vmap @minus" in text
    with refused("the function is no longer|no longer under construction|already finished"):
        p.f.jvp(p.minus, [p.x, p.y], [p.x], [1], [0])


def test_wrong_jvp_and_vmap(p):
    with refused("there is no result 3 in 'minus'"):
        p.f.jvp(p.minus, [p.x, p.y], [p.x], [1], [3])
    with refused("there is no argument 2 in 'minus'"):
        p.f.jvp(p.minus, [p.x, p.y], [p.x], [2], [0])
    with refused("out_axes has 2 entries"):
        p.f.vmap(p.double, [p.x], [-1], [0, 0], 4)
    with refused("out_axes is 5 for result 0"):
        p.f.vmap(p.double, [p.x], [-1], [5], 4)
    with refused("cannot have size -4"):
        p.f.vmap(p.double, [p.x], [-1], [0], -4)
    with refused("2\\^46 bytes"):
        p.f.vmap(p.double, [p.x], [-1], [0], 2**62)


def test_print_and_assert(p):
    p.f.print("x = {}, {{y}}\n", [p.x])
    p.f.assert_(p.flag, "must hold")
    with refused("."):
        p.f.print("{} {}", [p.x])
    with refused("."):
        p.f.assert_(p.x, "no condition")
    text = p.text([p.x])
    assert text.count("cell.print") == 1 and 'cell.assert %arg0, "must hold"' in text


def test_function_attributes(p):
    p.double.set_attribute("cell.recompute", True)
    p.double.set_attribute("cell.custom_vjp", p.minus)
    p.double.set_attribute("cell.custom_vjp_operands", (0, 2))
    for name, value in (("recompute", True), ("cell.recompute", 3), ("cell.custom_vjp", "minus"), ("cell.custom_vjp_operands", "no")):
        with refused("."):
            p.double.set_attribute(name, value)
    with pytest.raises(TypeError, match="not dict"):
        p.double.set_attribute("cell.recompute", {})
    with refused("not in the same module"):
        p.double.set_attribute("cell.custom_vjp", Parts().minus)
    with refused("is called by another function"):
        p.minus.discard()
    text = p.text(p.f.call(p.double, [p.x]))
    assert "cell.custom_vjp = @minus, cell.custom_vjp_operands = array<i64: 0, 2>, cell.recompute" in text and "func private @minus" in text


def test_only_what_the_entry_reaches_is_left(p):
    text = p.text(p.f.call(p.double, [p.x]))
    assert "@double" in text and "@body" not in text


def test_known_differences(p):
    one, three = p.f.constant(np.array(1), "i64"), p.f.constant(np.array(3, np.int32), "i32")
    add = lambda a, b: p.f.op("cell.add", [a, b])[0]
    two_n, again = (p.f.op("cell.mul", [p.n, add(one, one)])[0] for _ in range(2))
    d = _native.difference
    assert d(p.n, add(add(p.n, one), one)) == 2
    assert d(add(p.n, one), p.n) == -1
    assert d(two_n, add(again, one)) == 1
    assert d(add(two_n, p.n), add(p.n, again)) == 0
    assert d(one, p.f.op("cell.cast", [three], {"dtype": "i64"})[0]) == 2
    assert d(p.n, two_n) is None and d(p.n, p.x) is None and d(p.n, p.flag) is None
    p.text([p.x])
    assert d(p.n, p.n) is None  # the function is gone
