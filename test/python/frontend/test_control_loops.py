"""while_loop, for_loop, scan: loops of the program, and loops that Python runs."""
import numpy as np
import pytest
from control_support import agree, parameter, same

import cellgrad as ms
from cellgrad import Tensor, jit, ops
from cellgrad._errors import CaptureError, DTypeError, ShapeError, UnsupportedError, UserError
from cellgrad._frontend.control import Undefined, for_loop, while_loop


@pytest.fixture
def x():
    return Tensor([1.0, 2.0])


def n(value):
    return Tensor(value)


def loop(lower, upper, step, body, *carried, **options):
    return for_loop(lower, upper, step, body, carried, **options)


# -- for ----------------------------------------------------------------------------------------------------------------
def test_dynamic_trip_count(x):
    program = agree(lambda x, k: loop(0, k, 1, lambda i, v: (v * 2 + i,), x), (x, n(3)), (x, n(1)), (x, n(0)), (x, n(-2)))
    assert "scf.for" in program.mlir("cell")


@pytest.mark.parametrize("step", [1, 2, 5, -1, -3])
def test_static_steps(x, step):
    agree(lambda x, a, b: loop(a, b, step, lambda i, v, s: (v + i, s + 1), x, 0), *((x, n(a), n(b)) for a, b in ((0, 7), (7, 0), (2, -5), (3, 3))))


def test_dynamic_steps(x):
    agree(lambda x, a, b, s: loop(a, b, s, lambda i, v: (v * 2 + i,), x), *((x, n(a), n(b), n(s)) for a, b, s in ((0, 7, 2), (7, 0, -3), (0, 5, -1), (1, 9, 4))))


def test_bounds_of_other_dtypes(x):
    agree(lambda x, k: loop(0, k, 1, lambda i, v: (v + 1,), x), (x, Tensor(3, ms.int32)), (x, Tensor([2], ms.int8)), (x, Tensor(4, ms.uint8)))
    for wrong in (1.5, True, "a", Tensor(1.5), Tensor([1, 2])):
        with pytest.raises(TypeError, match="a bound must be"):
            loop(0, wrong, 1, lambda i: ())
    with pytest.raises(ValueError, match="cannot be 0"):
        loop(0, 3, 0, lambda i: ())


def test_known_bounds_are_python(x):
    kinds = []

    @jit
    def f(x):
        return loop(0, 3, 1, lambda i, v: (kinds.append(type(i)) or v * (i + 1),), x)

    same(f(x), (x * 6,))
    assert kinds == [int, int, int] and "scf.for" not in f.mlir("cell")
    g = jit(lambda x: loop(0, 3, 1, lambda i, v: (v * (i + 1),), x, unroll=False))
    same(g(x), (x * 6,))
    assert "scf.for" in g.mlir("cell")


def test_numbers_become_tensors_of_the_dtype_that_they_meet(x):
    def f(x, k):
        return loop(0, k, 1, lambda i, a, b, c, d: (a + 1, b * 0.5, c + x.sum(), d), 0, 1, 0, 7)

    a, b, c, d = jit(f)(x, n(3))
    assert (a.dtype, b.dtype, c.dtype, d) == (ms.int64, ms.float32, ms.float32, 7) and not isinstance(d, Tensor)
    agree(f, (x, n(3)), (x, n(1)))
    half = jit(lambda v, k: loop(0, k, 1, lambda i, s: (s + v.sum(),), 0.0))(Tensor([1.0, 2.0], ms.float16), n(2))
    assert half[0].dtype == ms.float16


def test_no_trip_gives_the_start(x):
    a, b = jit(lambda x, k: loop(0, k, 1, lambda i, v, s: (v * 2, s + i), x, 5))(x, n(0))
    same(a, x)
    assert int(b) == 5


def test_structures_are_carried(x):
    def f(x, k):
        return loop(0, k, 1, lambda i, t: ({"a": t["b"][0], "b": [t["a"] + i, t["b"][1]]},), {"a": x, "b": [x * 2, "same"]})

    agree(f, (x, n(2)), (x, n(3)))


def test_swapped_values(x):
    agree(lambda x, k: loop(0, k, 1, lambda i, a, b: (b, a + b), x, x * 10), (x, n(1)), (x, n(4)))


def test_writes_to_tensors_from_outside_are_carried(x):
    p = parameter([1.0, 1.0])

    def f(x, y, k):
        z = x * 2

        def body(i, v):
            ops.assign(p, p + v)
            y[1] += 1.0
            z[0] = z[0] * 2
            return (v + p,)

        (r,) = loop(0, k, 1, body, x)
        return r, p * 1, y * 1, z

    agree(f, (x, x, n(3)), (x, x, n(0)), params=[p])


def test_a_tensor_that_the_body_makes_and_writes_is_new_each_time(x):
    def f(x, k):
        def body(i, v):
            t = ops.zeros((2,), ms.float32)
            t[0] = v.sum()
            u = Tensor(np.zeros(2, np.float32))
            u[1] = t[0]
            return (v + t + u,)

        return loop(0, k, 1, body, x)

    agree(f, (x, n(3)))


def test_what_is_carried_may_be_written_in_place(x):
    def f(x, k):
        y = x * 1

        def body(i, v):
            v[0] = v[0] + i
            return (v,)

        (r,) = loop(0, k, 1, body, y)
        return r, y

    agree(f, (x, n(3)), (x, n(0)))


def test_an_argument_that_is_written_is_written_for_the_caller(x):
    def f(x, k):
        def body(i, v):
            v[0] = v[0] + 1
            return (v,)

        return loop(0, k, 1, body, x)[0]

    agree(f, (x, n(3)))
    with pytest.raises(UnsupportedError, match="writes into 'v' and then makes it another Tensor"):
        def bad(i, v):
            v[0] = 1.0
            return (v * 2,)

        jit(lambda x, k: loop(0, k, 1, bad, x, names=("v",)))(x, n(2))


def test_nested_loops_and_branches(x):
    p = parameter([1.0, 0.5])

    def f(x, k):
        def outer(i, v):
            def inner(j, u):
                def yes():
                    ops.assign(p, p * 1.5)
                    return u + p

                return (ops.cond((i + j) % 2 == 0, yes, lambda: u * 0.5),)

            return loop(0, i, 1, inner, v)

        return loop(0, k, 1, outer, x)

    agree(f, (x, n(4)), (x, n(1)), params=[p])


def test_random_numbers_differ_from_trip_to_trip():
    @jit
    def f(k):
        y = ops.zeros((3,), ms.float32)

        def body(i):
            y[i] = ops.rand(1)[0]
            return ()

        loop(0, k, 1, body)
        return y

    assert len(set(f(n(3)).asnumpy().tolist())) == 3


# -- while --------------------------------------------------------------------------------------------------------------
def test_while(x):
    program = agree(lambda x: while_loop(lambda v, c: v.sum() < 100, lambda v, c: (v * 2, c + 1), (x, 0)), (x,), (x * 30,), (x * 100,))
    assert "scf.while" in program.mlir("cell")


def test_while_that_python_knows(x):
    program = agree(lambda x: while_loop(lambda i, v: i < 3, lambda i, v: (i + 1, v * 2), (0, x)), (x,))
    assert "scf.while" not in program.mlir("cell")


def test_while_that_the_program_takes_over(x):
    """The condition is known for the first trip only."""
    def f(x):
        return while_loop(lambda go, v: go, lambda go, v: (v.sum() < 50, v * 2), (True, x))

    program = agree(f, (x,), (x * 100,))
    assert "scf.while" in program.mlir("cell")


def test_collatz():
    def f(m):
        step = lambda m, c: (ops.cond(m % 2 == 0, lambda: m // 2, lambda: 3 * m + 1), c + 1)
        return while_loop(lambda m, c: m != 1, step, (m, Tensor(0)))[1]

    agree(f, (n(27),), (n(1),))


def test_a_condition_that_writes(x):
    p = parameter([1.0, 1.0])

    def test(v):
        ops.assign(p, p + 1)
        return v.sum() < 100

    with pytest.raises(UnsupportedError, match="the condition of a `while` loop .* writes"):
        jit(lambda x: while_loop(test, lambda v: (v * 2,), (x,)))(x)


def test_a_condition_that_python_knows_may_write(x):
    p = parameter([0.0, 0.0])

    def test(i, v):
        ops.assign(p, p + v)
        return i < 2

    agree(lambda x: while_loop(test, lambda i, v: (i + 1, v * 2), (0, x)), (x,), params=[p])


# -- what does not fit --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("start, body, kind, words", [
    (lambda x: x, lambda i, v: (ops.concat([v, v]),), ShapeError, ["'v'", "shape (2,) before a trip", "shape (4,) after it"]),
    (lambda x: x, lambda i, v: (v > 0,), DTypeError, ["Float32", "Bool", ".astype(ms.bool)"]),
    (lambda x: n(1), lambda i, v: (v * 0.5,), DTypeError, ["Int64", "Float32"]),
    (lambda x: 0, lambda i, v: (v + Tensor([1.0, 2.0]),), ShapeError, ["the int 0", "ops.full((2,), 0)"]),
    (lambda x: None, lambda i, v: (Tensor([1.0]) * i,), CaptureError, ["None before a trip", "in place of None"]),
    (lambda x: [], lambda i, v: (v + [i],), CaptureError, ["a list of 0", "a list of 1", "no fixed size"]),
    (lambda x: (x, x), lambda i, v: (v[0],), CaptureError, ["a tuple of 2"]),
    (lambda x: x, lambda i, v: v, TypeError, ["tuple of the 1 carried values"]),
])
def test_bodies_that_do_not_fit(x, start, body, kind, words):
    with pytest.raises(kind) as raised:
        jit(lambda x, k: loop(0, k, 1, body, start(x), names=("v",)))(x, n(2))
    assert isinstance(raised.value, UserError)
    for word in [*words, "test_control_loops.py"]:
        assert word in str(raised.value)


def test_variables_of_the_body_have_no_value_after_it(x):
    seen = []

    @jit
    def f(x, k):
        v, t = loop(0, k, 1, lambda i, v, t: (v + 1, v * 2), x, Undefined("t"))
        seen.append(t)
        return v

    same(f(x, n(2)), x + 2)
    assert "'t' gets a value only inside a `for` loop" in str(seen[0].error())


# -- scan and the public names ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("reverse", [False, True])
def test_scan(x, reverse):
    def f(x, rows):
        return ops.scan(lambda c, r: (c * 0.5 + r["a"], (c, {"s": r["b"].sum(), "none": None})), x, {"a": rows, "b": rows * 2}, reverse=reverse)

    program = agree(f, (x, Tensor(np.arange(8, dtype=np.float32).reshape(4, 2))))
    assert "scf.for" in program.mlir("cell")


def test_scan_without_rows():
    agree(lambda x: ops.scan(lambda c, _: (c * 2, c), x, None, length=4), (Tensor(1.0),))
    carry, rows = ops.scan(lambda c, r: (c + r, c * 2), Tensor(3.0), ops.zeros((0,), ms.float32))
    assert float(carry) == 3 and rows.shape == (0,)


def test_scan_refuses():
    with pytest.raises(ShapeError, match="first dimensions"):
        ops.scan(lambda c, r: (c, c), Tensor(0.0), (ops.zeros((2,), ms.float32), ops.zeros((3,), ms.float32)))
    with pytest.raises(ValueError, match="length must be given"):
        ops.scan(lambda c, r: (c, c), Tensor(0.0), None)
    with pytest.raises(TypeError, match=r"tuple \(carry, y\)"):
        ops.scan(lambda c, r: c, Tensor(0.0), ops.zeros((2,), ms.float32))


def test_primitives_of_the_reference(x):
    assert ops.WhileLoop()(lambda v: v < 100, lambda v: v + 1, 10) == 100
    assert ops.ForiLoop()(0, 4, lambda i, v: i + v, 0) == 6
    assert ops.Scan()(lambda c, e: (c + e, c + e), 0, [1, 2, 3, 4]) == (10, [1, 3, 6, 10])
    assert ops.Scan()(lambda c, e: (c + 1, c), 0, None, 3) == (3, [0, 1, 2])
    assert ops.Scan()(lambda c, e: (c + 1, c), 5, []) == (5, [])
    agree(lambda x: ops.WhileLoop()(lambda v: v.sum() < 100, lambda v: v * 2, x), (x,))
    for unroll in (True, False):
        agree(lambda x: ops.ForiLoop()(0, 4, lambda i, v: v + i, x, unroll), (x,))  # noqa: B023
        agree(lambda x: ops.Scan()(lambda c, e: (c + e, c * e), x, [x, x * 2], unroll=unroll), (x,))  # noqa: B023
    agree(lambda x, k: ops.ForiLoop()(0, k, lambda i, v: v + i, x), (x, n(3)))
    for call in (lambda: ops.WhileLoop()(1, 2, 3), lambda: ops.ForiLoop()(0, 4, 3, 0), lambda: ops.Scan()(lambda c, e: (c, e), 0, x), lambda: ops.Scan()(lambda c, e: (c, e), 0, None),
                 lambda: ops.ForiLoop()(0, 4, lambda i, v: v, 0, unroll=1)):
        with pytest.raises(TypeError):
            call()


@pytest.mark.parametrize("dtype", ["int32", "float16", "int8"])
def test_ints_of_loops_take_the_dtype_that_they_meet(dtype):
    def f(v, k):
        def body(i, v, c):
            e = ops.cond(c > 1, lambda: c, lambda: 0)
            return v + i - (-i) * 2 + c + e, c + 1

        v, c = loop(0, k, 1, body, v, 0)
        return v * c

    agree(f, (Tensor(np.array([1, 2]), getattr(ms, dtype)), n(3)))


def test_an_int_that_becomes_a_sum_of_tensors_is_one():
    def f(v, k):
        return loop(0, k, 1, lambda i, s: (s + v.sum(),), 0)[0] + Tensor(1, ms.int32)

    agree(f, (Tensor([1, 2]), n(3)))
