"""Functions built from Python: types are inferred by the dialect, mistakes are errors with a place."""
import ml_dtypes
import numpy as np
import pytest
from small_programs import DTYPES, square_sum

from cellgrad._compiler import Builder, CompileError, Module


@pytest.fixture
def builder():
    return Builder()


def place(line, caller=None):
    return Builder.location("user.py", line, 7, caller)


def refused(match):
    return pytest.raises(CompileError, match=match)


def test_types_are_inferred(builder):
    f = builder.function("f", place(1))
    x = f.argument("f32", (2, 3), place(1))
    (flag,) = f.op("cell.less", [x, x], {}, place(2))
    (total,) = f.op("cell.reduce_sum", [x], {"axes": (1,), "keepdims": True}, place(3))
    assert (x.dtype, x.shape) == ("f32", (2, 3))
    assert (flag.dtype, flag.shape) == ("i1", (2, 3))
    assert (total.dtype, total.shape) == ("f32", (2, 1))
    assert flag.function is f and flag != total and len({flag, total, flag}) == 2


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_is_an_argument(builder, dtype):
    f = builder.function("f")
    x = f.argument(dtype, (2, 0))
    assert (x.dtype, x.shape) == (dtype, (2, 0))


@pytest.mark.parametrize("dtype, array", [
    ("f16", np.array([[1.5, -2]], np.float16)), ("bf16", np.array([[1.5, -2]], ml_dtypes.bfloat16)), ("f32", np.array([[1.5, np.nan]], np.float32)),
    ("f64", np.array([1e300, -0.0])), ("i8", np.array([-128, 127], np.int8)), ("i16", np.array([-3], np.int16)), ("i32", np.arange(6, dtype=np.int32)[::-2]),
    ("i64", np.array(2**62)), ("ui8", np.array([255, 0], np.uint8)), ("i1", np.array([[True], [False]])), ("f32", np.zeros((0, 3), np.float32)),
])
def test_constants_keep_their_values(builder, dtype, array):
    f = builder.function("f")
    value = f.constant(array, dtype)
    assert (value.dtype, value.shape) == (dtype, array.shape)
    f.finish([value])
    text = builder.finish(f).text()
    again = Module.parse(text)
    assert again.text() == text
    if dtype == "i32":
        assert "dense<[5, 3, 1]>" in text
    if dtype == "i1":
        assert "dense<[[true], [false]]>" in text
    if dtype == "bf16":
        assert "1.500000e+00, -2.000000e+00" in text


def test_one_repeated_value_is_stored_once(builder):
    f = builder.function("f")
    f.finish([f.constant(np.full((100, 100), 3, np.float32), "f32")])
    assert "dense<3.000000e+00> : tensor<100x100xf32>" in builder.finish(f).text()


def test_constant_of_another_dtype_is_refused(builder):
    f = builder.function("f")
    with refused("an array of float64 is no f32"):
        f.constant(np.zeros(2), "f32")
    with refused("foreign byte order"):
        f.constant(np.zeros(2, ">f4"), "f32")
    with pytest.raises(TypeError, match="NumPy array"):
        f.constant([1.0], "f32")


def test_error_names_the_place_and_both_operands(builder):
    f = builder.function("f", place(1))
    x, y = f.argument("f32", (2, 3)), f.argument("f32", (3, 2))
    with pytest.raises(CompileError) as caught:
        f.op("cell.add", [x, y], {}, place(9, place(20)))
    ((severity, file, line, column, message, notes),) = caught.value.diagnostics
    assert (severity, file, line, column) == ("error", "user.py", 9, 7)
    assert "tensor<2x3xf32>" in message and "tensor<3x2xf32>" in message
    assert "cell.broadcast" in notes[0][3]
    assert "user.py:9:7: " in str(caught.value)


def test_refused_op_leaves_nothing_behind(builder):
    f = builder.function("f")
    x = f.argument("i32", (2,))
    with pytest.raises(CompileError):
        f.op("cell.exp", [x])
    f.finish([x])
    assert "cell.exp" not in builder.finish(f).text()


@pytest.mark.parametrize("name, attributes, message", [
    ("cell.ad", {}, "did you mean 'cell.add'"),
    ("arith.addf", {}, "there is no op 'arith.addf'"),
    ("cell.exp", {"axis": 1}, "cell.exp has no attribute 'axis'; it has none"),
    ("cell.reduce_sum", {"axis": 1}, "has no attribute 'axis'; it has axes, keepdims"),
    ("cell.reduce_sum", {"axes": (0,)}, "needs attribute 'keepdims', a bool"),
    ("cell.reduce_sum", {"axes": 0, "keepdims": True}, "'axes' of cell.reduce_sum must be a tuple of ints, not int"),
    ("cell.reduce_sum", {"axes": (0,), "keepdims": 1}, "must be a bool, not int"),
    ("cell.cast", {"dtype": "f128"}, "there is no dtype 'f128'"),
    ("cell.constant", {"value": 1}, "takes 0 operands, but got 1"),
    ("cell.value_and_grad", {}, "method of its own"),
])
def test_op_is_checked_before_its_code_runs(builder, name, attributes, message):
    f = builder.function("f")
    with refused(message):
        f.op(name, [f.argument("f32", (2,))], attributes)


def test_operand_count(builder):
    f = builder.function("f")
    with refused("cell.add takes 2 operands, but got 1"):
        f.op("cell.add", [f.argument("f32", (2,))])


@pytest.mark.parametrize("shape, message", [((-1,), "cannot be -1"), ((2**40, 2**40), "more than 2\\^46 bytes"), ((1,) * 65, "at most 64")])
def test_impossible_shapes(builder, shape, message):
    with refused(message):
        builder.function("f").argument("f32", shape)


def test_impossible_result_shape(builder):
    f = builder.function("f")
    x = f.argument("f32", (1, 1))
    with pytest.raises(CompileError):
        f.op("cell.broadcast", [x], {"shape": (2**40, 2**40)})


def test_value_of_another_function_is_refused(builder):
    f, g = builder.function("f"), builder.function("g")
    x = f.argument("f32", (2,))
    with refused("value of function 'f', not of 'g'"):
        g.op("cell.exp", [x])
    with refused("value of function 'f', not of 'g'"):
        g.finish([x])


def test_states_of_a_function(builder):
    f, g = builder.function("f"), builder.function("f")
    x = f.argument("f32", (2,))
    assert (f.name, g.name, f.state) == ("f", "f_1", "open")
    with refused("cannot call itself"):
        f.call(f, [x])
    with refused("'f' is not finished yet"):
        g.call(f, [g.argument("f32", (2,))])
    f.finish([x])
    assert f.state == "finished" and f.argument_count == 1
    with refused("already finished"):
        f.argument("f32", (2,))
    with refused("'f_1' was not finished"):
        builder.finish(f)
    g.discard()
    assert g.state == "gone"
    builder.finish(f)
    assert f.state == "gone"
    with refused("no longer under construction"):
        f.op("cell.exp", [x])
    assert (x.dtype, x.shape) == ("f32", (2,))  # still known


def test_called_function_cannot_be_discarded(builder):
    f, g = builder.function("f"), builder.function("g")
    f.finish([f.argument("f32", (2,))])
    g.finish(g.call(f, [g.argument("f32", (2,))]))
    with refused("is called by another function"):
        f.discard()
    assert "call @f" in builder.finish(g).text()


def test_call_checks_types(builder):
    f, g = builder.function("f"), builder.function("g")
    f.finish([f.argument("f32", (2,))])
    with refused("operand"):
        g.call(f, [g.argument("f32", (3,))])
    with refused("operand"):
        g.call(f, [])


@pytest.mark.parametrize("wrt, outputs, message", [([2], [0], "no argument 2"), ([0, 0], [0], "twice"), ([0], [1], "names result 1"), ([-1], [0], "no argument -1")])
def test_derivative_positions(builder, wrt, outputs, message):
    f, g = builder.function("f"), builder.function("g")
    f.finish([f.argument("f32", (2,)), ][:1])
    with refused(message):
        g.value_and_grad(f, [g.argument("f32", (2,))], wrt, outputs)


def test_cotangents_are_checked(builder):
    f, g = builder.function("f"), builder.function("g")
    f.finish([f.argument("f32", (2,))])
    x, c = g.argument("f32", (2,)), g.argument("f32", (3,))
    with refused("another type than the result"):
        g.vjp(f, [x], [c], [0], [0])
    with refused("one cotangent per entry"):
        g.vjp(f, [x], [], [0], [0])
    value, gradient = g.vjp(f, [x], [x], [0], [0])
    assert value.shape == gradient.shape == (2,)


def test_attributes_of_arguments_and_results(builder):
    f = builder.function("f")
    x = f.argument("f32", (2,))
    w = f.argument("f32", (2,), param='odd "name"', donated=True)
    y = f.op("cell.add", [x, w])
    f.finish(y, {0: 1})
    text = builder.finish(f).text()
    assert 'cell.donated, cell.param = "odd \\22name\\22"' in text and "cell.alias = 1 : i64" in text


@pytest.mark.parametrize("aliases, message", [({1: 0}, "no result 1"), ({0: 5}, "no argument 5"), ({0: 1}, "another type than argument 1")])
def test_wrong_aliases(builder, aliases, message):
    f = builder.function("f")
    x = f.argument("f32", (2,))
    f.argument("f32", (3,))
    with refused(message):
        f.finish([x], aliases)


def test_entry_of_another_builder(builder):
    f = Builder().function("f")
    with refused("not one of this builder"):
        builder.finish(f)


def test_names_of_the_runtime_are_kept_apart(builder):
    f = builder.function("cg_entry")
    assert f.name == "f_cg_entry"


@pytest.mark.parametrize("call", [
    lambda f, x: f.op(1, [x]), lambda f, x: f.op("cell.exp", "x"), lambda f, x: f.op("cell.exp", [1]), lambda f, x: f.op("cell.exp", None),
    lambda f, x: f.op("cell.exp", [x], [1]), lambda f, x: f.op("cell.exp", [x], {1: 2}), lambda f, x: f.op("cell.exp", [x], {}, "here"),
    lambda f, x: f.argument(3, ()), lambda f, x: f.argument("f32", 3), lambda f, x: f.argument("f32", "ab"), lambda f, x: f.finish([x], [1]),
    lambda f, x: f.op("cell.exp", [type(x).__new__(type(x))]),
])
def test_wrong_python_types(builder, call):
    f = builder.function("f")
    with pytest.raises(TypeError):
        call(f, f.argument("f32", (2,)))


def test_fingerprint_leaves_locations_out():
    one, other, third = square_sum(), square_sum(file="elsewhere.py"), square_sum(scale=2.0)
    assert one.fingerprint() == other.fingerprint() != third.fingerprint()
    assert one.text() == other.text() and one.text(locations=True) != other.text(locations=True)
