"""The text of errors: what happened, the user's line with a caret, what to do. Paths and line numbers are left out."""
from __future__ import annotations

import re

import pytest

import cellgrad as ms
from cellgrad import Parameter, Tensor, grad, jit, ops, value_and_grad
from cellgrad._errors import UserError


def text_of(error):
    text = re.sub(r"  --> \S*test_errors\.py:\d+:\d+", "  --> FILE", str(error.value))
    return re.sub(r"^( *)\d+( \|)", lambda m: m.group(1) + "N" + m.group(2), re.sub(r"^ +\|", "    |", text, flags=re.M), flags=re.M).split("\n")


X = Tensor([1.0, 2.0, 3.0])
M = Tensor([[1.0, 2.0], [3.0, 4.0]])


def test_shapes_that_do_not_broadcast():
    expected = ["add: shapes (2, 2) and (3,) cannot be broadcast together (dimension -1 is 2 and 3)", "  --> FILE", "   N |         M + X", "    |         ^^^^^",
                "  hint: make the dimensions equal, or 1 where one operand is to be repeated (reshape, expand_dims)"]
    with pytest.raises(ValueError) as error:
        M + X
    assert text_of(error) == expected
    with pytest.raises(ValueError) as error:
        jit(lambda a, b: a + b)(M, X)
    assert text_of(error)[2] == "   N |         jit(lambda a, b: a + b)(M, X)"
    assert text_of(error)[3].strip(" |") == "^^^^^"


def test_operand_that_is_no_number():
    with pytest.raises(TypeError) as error:
        X * "a"
    assert text_of(error) == ["unsupported operand types for *: Tensor and str", "  --> FILE", '   N |         X * "a"', "    |         ^^^^^^^",
                              "  hint: use a Tensor or a number"]


def test_the_line_is_that_of_the_user_not_of_ops():
    with pytest.raises(ValueError) as error:
        ops.maximum(M, X)
    assert text_of(error)[2] == "   N |         ops.maximum(M, X)"


def test_assigning_another_shape_names_the_parameter():
    p = Parameter(Tensor([1.0, 2.0]), name="fc.weight")
    with pytest.raises(ValueError) as error:
        ops.assign(p, X)
    assert text_of(error)[0] == "assign: a value of shape (3,) cannot be written into Parameter 'fc.weight' of shape (2,)"
    with pytest.raises(ValueError, match="Parameter 'fc.weight'"):
        jit(lambda v: p.set_data(v))(X)


def test_position_beyond_the_arguments():
    with pytest.raises(RuntimeError) as error:
        value_and_grad(lambda v: v * v, 2)(X)
    assert isinstance(error.value, IndexError)
    assert text_of(error)[0] == "Position index 2 is exceed input size."
    assert text_of(error)[-1] == "  hint: <lambda> was called with 1 arguments, so positions are 0 to 0"


def test_axis_out_of_range():
    with pytest.raises(ValueError) as error:
        X.sum(axis=3)
    assert "axis 3 is out of range for a Tensor of 1 dimensions" in text_of(error)[0]
    assert text_of(error)[-1] == "  hint: use an axis in [-1, 1)"


@pytest.mark.parametrize("index", [5, (0, 0), "a", 1.5])
def test_index(index):
    for call in (lambda v: v[index], jit(lambda v: v[index])):
        with pytest.raises((IndexError, TypeError)) as error:
            call(X)
        assert isinstance(error.value, UserError)
        assert text_of(error)[1] == "  --> FILE"


def test_unknown_name_of_the_package():
    with pytest.raises(AttributeError, match="Did you mean 'value_and_grad'"):
        ms.value_and_grid


def test_an_exception_of_the_user_comes_through():
    class Mine(Exception):
        pass

    def f(v):
        raise Mine("here")

    for call in (jit(f), grad(f)):
        with pytest.raises(Mine, match="here"):
            call(X)


def test_caret_under_non_ascii_text():
    with pytest.raises(TypeError) as error:
        größe = "ä"; X * größe  # noqa: E702
    lines = text_of(error)
    assert lines[3].index("^") - lines[3].index("|") == lines[2].index("X * größe") - lines[2].index("|")


def test_traceback_shows_the_lines_of_the_user():
    def inner(v, table):
        if v.shape[0] == 3:
            return v * table["missing"]
        return v

    def outer(v, n):
        for _ in range(n):
            if v.sum() > 0:
                v = inner(v, {"k": 2.0})
        return v

    with pytest.raises(KeyError) as error:
        jit(outer)(X, Tensor(3))
    names = [entry.name for entry in error.traceback if entry.path.name == "test_errors.py"]
    assert names[1:] == ["outer", "inner"]
    assert not [entry for entry in error.traceback if "convert" in str(entry.path)]


def test_qualified_names_are_those_of_the_source():
    def f(v):
        if v.sum() > 0:
            def g(u):
                return u

            class K:
                pass

            assert g.__qualname__.endswith("source.<locals>.f.<locals>.g")
            assert K.__qualname__.endswith("source.<locals>.f.<locals>.K")
            return g(v)
        return v

    jit(f)(X)
