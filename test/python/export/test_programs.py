"""Exported programs give what the functions give: structures, dtypes, state, control flow."""
from __future__ import annotations

import gc

import numpy as np
import pytest

import cellgrad as ms
import cellgrad_program
from cellgrad import Parameter, Tensor, nn, ops, value_and_grad


def exported(path, fn, *args, **kwargs):
    """The program of a function, exported and loaded."""
    digest = ms.jit(fn).export(path / "f.cgp", *args, **kwargs)
    return cellgrad_program.load(path / "f.cgp", digest=digest)


def test_a_training_step_changes_its_parameters(tmp_path):
    net, loss_fn = nn.Dense(3, 1), nn.MSELoss()
    optimizer = nn.Momentum(net.trainable_params(), learning_rate=0.1, momentum=0.9)
    grad_fn = value_and_grad(lambda x, y: loss_fn(net(x), y), None, optimizer.parameters)

    @ms.jit
    def step(x, y):
        loss, grads = grad_fn(x, y)
        optimizer(grads)
        return loss

    x = np.random.default_rng(0).standard_normal((64, 3)).astype(np.float32)
    y = x @ np.array([[1.0], [-2.0], [3.0]], np.float32)
    ms.export_programs(tmp_path / "m.cgp", {"step": (step, Tensor(x), Tensor(y)), "predict": (net, Tensor(x))})
    file = cellgrad_program.load(tmp_path / "m.cgp")
    loaded, predict = file["step"], file["predict"]
    weight = file.parameters()["weight"]
    start = weight.copy()
    for _ in range(50):
        here, there = step(Tensor(x), Tensor(y)).asnumpy(), loaded(x, y)
        np.testing.assert_allclose(there, here, rtol=1e-4, atol=1e-6)
    assert not np.array_equal(weight, start)  # a view of the memory that the program writes
    np.testing.assert_allclose(weight, net.weight.asnumpy(), rtol=1e-4)
    np.testing.assert_allclose(predict(x), net(Tensor(x)).asnumpy(), rtol=1e-4, atol=1e-5)
    assert {info.name: info.written for info in file._state}["weight"]


def test_parameters_are_saved_loaded_and_shared(tmp_path):
    net = nn.Dense(3, 2)
    x = np.ones((4, 3), np.float32)
    cell_file = tmp_path / "net.cgp"
    ms.export_programs(cell_file, {"predict": (net, Tensor(x))})
    file = cellgrad_program.load(cell_file)
    file.load_parameters({"weight": np.full((2, 3), 0.5, np.float32), "bias": np.zeros(2, np.float32)})
    np.testing.assert_array_equal(file(x), np.full((4, 2), 1.5))
    file.save_parameters(tmp_path / "w.safetensors")
    ms.load_param_into_net(net, ms.load_checkpoint(str(tmp_path / "w.safetensors")))
    np.testing.assert_array_equal(net(Tensor(x)).asnumpy(), np.full((4, 2), 1.5))
    ms.save_checkpoint({"weight": Tensor(np.ones((2, 3), np.float32))}, str(tmp_path / "c.ckpt"))
    file.load_parameters(tmp_path / "c.ckpt")
    np.testing.assert_array_equal(file(x), np.full((4, 2), 3.0))
    with pytest.raises(KeyError, match="there is no Parameter 'wieght'"):
        file.load_parameters({"weight": np.zeros((2, 3), np.float32), "wieght": x})
    with pytest.raises(ValueError, match="'weight' has shape"):
        file.load_parameters({"bias": np.ones(2, np.float32), "weight": x})
    np.testing.assert_array_equal(file(x), np.full((4, 2), 3.0))  # all or none
    view = file.parameters()["weight"]
    del file
    gc.collect()
    np.testing.assert_array_equal(view, np.ones((2, 3)))


DTYPES = ["bool", "int8", "int16", "int32", "int64", "uint8", "float16", "float32", "float64"]


@pytest.mark.parametrize("dtype", DTYPES)
def test_dtypes(tmp_path, dtype):
    a = np.array([[1, 0, 2], [3, 0, 1]]).astype(dtype)
    program = exported(tmp_path, lambda x: (ops.concat([x, x], 0), x.astype(ms.float32)), Tensor(a))
    both, cast = program(a)
    assert both.dtype == a.dtype
    np.testing.assert_array_equal(both, np.concatenate([a, a]))
    np.testing.assert_array_equal(cast, a.astype(np.float32))


@pytest.mark.parametrize("cpu", ["x86-64", "x86-64-v3", "native"])
def test_halves_on_processors_without_instructions_for_them(tmp_path, cpu):
    a = np.array([1.0, -2.5, 3.0e-3, 1e5, 1.00390625, 0.0], np.float32)

    def f(x, d):
        return x.astype(ms.bfloat16) * 3, x.astype(ms.float16) + 1, d.astype(ms.float16), d.astype(ms.bfloat16)

    here = ms.jit(f)(Tensor(a), Tensor(a.astype(np.float64)))
    there = exported(tmp_path, f, Tensor(a), Tensor(a.astype(np.float64)), cpu=cpu)(a, a.astype(np.float64))
    for mine, theirs in zip(here, there):
        np.testing.assert_array_equal(np.asarray(theirs, np.float32), mine.asnumpy().astype(np.float32))


def test_bfloat16_goes_in_as_float32_bits_or_its_own_dtype(tmp_path):
    import ml_dtypes

    a = np.array([1.0, 2.5, -3.140625, np.nan, np.inf], np.float32)
    scale = Parameter(Tensor(np.array([2.0], np.float32), ms.bfloat16), name="scale")
    program = exported(tmp_path, lambda x: x * scale, Tensor(a, ms.bfloat16))
    short = a.astype(ml_dtypes.bfloat16)
    for value in (a, short, short.view(np.uint16)):
        np.testing.assert_array_equal(program(value), short.astype(np.float32) * 2)
    np.testing.assert_array_equal(program.parameters()["scale"], [2.0])
    program.load_parameters({"scale": np.array([4.0], np.float32)})
    np.testing.assert_array_equal(program(a), short.astype(np.float32) * 4)


def test_structures_keywords_and_constants(tmp_path):
    def f(pair, table, *rest, scale=2, mode="sum", extra=None):
        a, b = pair
        out = a + b * scale
        return {"out": out, "parts": [table["w"] - a, (out, 7)], "mode": mode, "same": table, "extra": extra}

    x, y, w, r = (np.full((2, 2), v, np.float32) for v in (1, 2, 3, 4))
    args = ((Tensor(x), Tensor(y)), {"w": Tensor(w), "n": 5}, Tensor(r))
    program = exported(tmp_path, f, *args, scale=3)["f"]
    got = program((x, y), {"w": w, "n": 5}, r)
    assert list(got) == ["out", "parts", "mode", "same", "extra"] and got["mode"] == "sum" and got["extra"] is None and got["parts"][1][1] == 7
    np.testing.assert_array_equal(got["out"], np.full((2, 2), 7.0))
    np.testing.assert_array_equal(got["parts"][0], np.full((2, 2), 2.0))
    assert got["same"]["w"] is w and got["same"]["n"] == 5
    np.testing.assert_array_equal(program([x, y], {"n": 5, "w": w}, r, scale=3)["out"], got["out"])
    for bad, error, text in [
        (lambda: program((x, y)), TypeError, "needs the argument 'table'"),
        (lambda: program((x, y), {"w": w}, r), TypeError, "keys 'w', 'n'"),
        (lambda: program((x, y, w), {"w": w, "n": 5}, r), TypeError, "tuple of 2"),
        (lambda: program((x, y), {"w": w, "n": 6}, r), ValueError, "was 5 when the program was exported"),
        (lambda: program((x, y), {"w": w, "n": 5}, r, scale=2), ValueError, "scale was 3"),
        (lambda: program((x, y), {"w": w, "n": 5}, r, mode="mean"), ValueError, "mode was fixed"),
        (lambda: program((x, y), {"w": w, "n": 5}, r, r), TypeError, "at most 3 positional"),
        (lambda: program((x, y), {"w": w, "n": 5}, r, color=1), TypeError, "has no argument 'color'"),
        (lambda: program((x, y), {"w": w, "n": 5}, r, pair=1), TypeError, "'pair' twice"),
        (lambda: program((x, y[:1]), {"w": w, "n": 5}, r), ValueError, r"'pair\[1\]' has shape \(2, 2\), but the value given has \(1, 2\)"),
        (lambda: program((x, y.astype(int)), {"w": w, "n": 5}, r), TypeError, r"'pair\[1\]' has dtype float32, but the value given is int64"),
    ]:
        with pytest.raises(error, match=text):
            bad()


def test_numbers_lists_and_strided_arrays(tmp_path):
    program = exported(tmp_path, lambda x, n: x * n, Tensor(np.zeros((3, 2), np.float32)), Tensor(1.5))
    a = np.arange(6, dtype=np.float32).reshape(2, 3)
    np.testing.assert_array_equal(program(a.T, 2), a.T * 2)
    np.testing.assert_array_equal(program(a.T.tolist(), 0.5), a.T / 2)
    with pytest.raises(TypeError, match="'x' has dtype float32, but the value given is >f4"):
        program(a.T.astype(">f4"), 1.0)
    shifted = np.frombuffer(b"\0" + a.tobytes(), np.uint8)[1:].view(np.float32).reshape(3, 2)  # not aligned
    np.testing.assert_array_equal(program(shifted, 1), a.reshape(3, 2))


def test_an_argument_that_is_written(tmp_path):
    program = exported(tmp_path, lambda p, x: ops.assign_add(p, x) * 2, Parameter(Tensor(np.zeros(3, np.float32)), name="p"), Tensor(np.ones(3, np.float32)))
    p, x = np.zeros(3, np.float32), np.array([1, 2, 3], np.float32)
    np.testing.assert_array_equal(program(p, x), [2, 4, 6])
    np.testing.assert_array_equal(p, x)
    np.testing.assert_array_equal(program(p, p), [4, 8, 12])  # what is read is a copy from before
    np.testing.assert_array_equal(p, x * 2)
    for bad in ([0.0, 0.0, 0.0], np.zeros(6, np.float32)[::2], np.broadcast_to(np.float32(0), 3)):
        with pytest.raises(ValueError, match="'p' is written"):
            program(bad, x)


def test_loops_branches_and_tapes(tmp_path):
    def power(x, n):
        y = x
        i = Tensor(0)
        while i < n:
            if y.sum() > 100.0:
                y = y * 0.5
            else:
                y = y * x
            i = i + 1
        return y.sum()

    grad = ms.grad(power)
    x = np.array([1.5, 2.0, 1.25], np.float32)
    program = exported(tmp_path, lambda x, n: (power(x, n), grad(x, n)), Tensor(x), Tensor(3))
    for n in (0, 1, 7, 3):
        value, slope = program(x, n)
        np.testing.assert_allclose(value, power(Tensor(x), Tensor(n)).asnumpy(), rtol=1e-5)
        np.testing.assert_allclose(slope, grad(Tensor(x), Tensor(n)).asnumpy(), rtol=1e-5)


def test_assertions_are_raised_each_time_and_leave_the_program_usable(tmp_path):
    def f(x):
        assert (x > 0).all(), "x has to be positive"
        return x * 2

    program = exported(tmp_path, f, Tensor(np.ones(2, np.float32)))
    for _ in range(3):
        with pytest.raises(AssertionError, match="x has to be positive"):
            program(np.array([1, -1], np.float32))
        np.testing.assert_array_equal(program(np.array([1, 2], np.float32)), [2, 4])


def test_random_numbers_go_on_from_the_exported_key(tmp_path):
    ms.set_seed(3)
    net = nn.Dropout(p=0.5)
    net.set_train()
    x = np.ones((8, 8), np.float32)
    ms.export_programs(tmp_path / "d.cgp", {"drop": (net, Tensor(x))})
    file = cellgrad_program.load(tmp_path / "d.cgp")
    here = ms.jit(net)
    first, second = file(x), file(x)
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(first, here(Tensor(x)).asnumpy())
    np.testing.assert_array_equal(second, here(Tensor(x)).asnumpy())
    assert "random_key" in file.parameters()


def test_convolutions_and_empty_tensors(tmp_path):
    net = nn.SequentialCell(nn.Conv2d(3, 4, 3, pad_mode="same"), nn.ReLU(), nn.MaxPool2d(2, 2))
    x = np.random.default_rng(1).standard_normal((2, 3, 8, 8)).astype(np.float32)
    program = exported(tmp_path, net, Tensor(x))
    np.testing.assert_allclose(program(x), net(Tensor(x)).asnumpy(), rtol=1e-4, atol=1e-5)
    empty = exported(tmp_path, lambda x: (x + 1, x.sum()), Tensor(np.zeros((0, 3), np.float32)))
    rows, total = empty(np.zeros((0, 3), np.float32))
    assert rows.shape == (0, 3) and total == 0


def test_a_result_that_is_a_parameter_is_a_view(tmp_path):
    p = Parameter(Tensor(np.zeros(2, np.float32)), name="p")
    program = exported(tmp_path, lambda x: (ops.assign_add(p, x), p), Tensor(np.ones(2, np.float32)))
    _, view = program(np.ones(2, np.float32))
    program(np.ones(2, np.float32))
    np.testing.assert_array_equal(view, [2, 2])
    np.testing.assert_array_equal(p.asnumpy(), [0, 0])


def test_methods_cells_and_names(tmp_path):
    class Net(nn.Cell):
        def __init__(self):
            super().__init__()
            self.w = Parameter(Tensor(np.full(2, 3.0, np.float32)), name="w")

        def construct(self, x):
            return x * self.w

        @ms.jit
        def doubled(self, x):
            return x * self.w * 2

    first, second = Net(), Net()
    second.w.set_data(Tensor(np.full(2, 5.0, np.float32)))
    x = np.ones(2, np.float32)
    ms.export_programs(tmp_path / "n.cgp", {"a": (first, Tensor(x)), "b": (second.doubled, Tensor(x)), "c": (lambda x, k: x * k, Tensor(x), None, {"k": 3.0})})
    file = cellgrad_program.load(tmp_path / "n.cgp")
    assert list(file.programs) == ["a", "b", "c"] and set(file.parameters()) == {"w", "w#2"}
    np.testing.assert_array_equal(file["a"](x), [3, 3])
    np.testing.assert_array_equal(file["b"](x=x), [10, 10])
    np.testing.assert_array_equal(file["c"](x), [3, 3])
    with pytest.raises(ValueError, match="several programs"):
        file(x)
    with pytest.raises(KeyError, match="there is no program 'd'; there are a, b, c"):
        file["d"]


def test_what_cannot_be_exported_says_so(tmp_path):
    x = Tensor(np.ones(2, np.float32))
    path = tmp_path / "no.cgp"
    double = ms.jit(lambda x: x * 2)
    for make, error, text in [
        (lambda: double.export(path, x, cpu="pentium"), ValueError, "x86-64-v3.*not for 'pentium'"),
        (lambda: double.export(path, x, target="tpu"), ValueError, "target 'tpu'"),
        (lambda: double.export(path), TypeError, "missing"),
        (lambda: ms.jit(lambda x: 3).export(path, x), NotImplementedError, "computes nothing"),
        (lambda: ms.jit(lambda x: (x * 2, object)).export(path, x), NotImplementedError, "returns a type"),
        (lambda: ms.export_programs(path, {}), ValueError, "at least one program"),
        (lambda: ms.export_programs(path, {"f": double}), TypeError, "tuple of a function"),
    ]:
        with pytest.raises(error, match=text):
            make()
    assert not path.exists()
    with pytest.raises(OSError):
        double.export(tmp_path / "nowhere" / "f.cgp", x)


def test_returned_inputs_come_as_arrays(tmp_path):
    program = exported(tmp_path, lambda x, y: (x, y * 2.0), Tensor([1.0, 2.0]), Tensor([1.0]))
    same, _ = program([3.0, 4.0], [1.0])
    assert isinstance(same, np.ndarray) and same.dtype == np.float32 and same.tolist() == [3.0, 4.0]
    halves = exported(tmp_path, lambda x: (x, x + 1.0), Tensor([1.0], ms.bfloat16))
    assert halves(np.array([1.5], np.float32))[0].tolist() == [1.5]


def test_lists_of_ints_for_unsigned_inputs(tmp_path):
    program = exported(tmp_path, lambda x: x + x, Tensor([1, 2], ms.uint8))
    assert program([3, 100])[0].item() == 6
    with pytest.raises(TypeError, match="cannot hold"):
        program([-1, 2])


def test_constants_that_json_has_no_form_of(tmp_path):
    def fill(x, value, text):
        return {"y": ops.where(x > 0, x, value), "value": value, "text": text}

    for value in (float("inf"), float("-inf"), float("nan"), 0.5):
        program = exported(tmp_path, fill, Tensor([1.0, -1.0]), value, "two\nlines \u00a0 \U0001f600")
        found = program(np.array([1.0, -1.0], np.float32), value)
        np.testing.assert_array_equal([found["value"], found["y"][1]], [value, value])
        assert found["text"] == "two\nlines \u00a0 \U0001f600"
        with pytest.raises(ValueError, match="is part of its code"):
            program(np.array([1.0, -1.0], np.float32), 2.0)


def test_a_function_keeps_parameters_that_are_called_like_settings(tmp_path):
    @ms.jit
    def shift(x, target, path=0.0):
        return x + target + path

    shift.export(tmp_path / "f.cgp", Tensor([1.0]), target=Tensor([2.0]), path=3.0, cpu="x86-64-v2")
    assert cellgrad_program.load(tmp_path / "f.cgp")(np.ones(1, np.float32), np.full(1, 2.0, np.float32)).tolist() == [6.0]


def test_parameters_of_more_than_the_file_has(tmp_path):
    net = nn.Dense(2, 1)
    ms.export_programs(tmp_path / "m.cgp", {"predict": (net, Tensor([[1.0, 2.0]]))})
    file = cellgrad_program.load(tmp_path / "m.cgp")
    values = {"weight": np.ones((1, 2), np.float32), "moment": np.zeros(3, np.float32)}
    with pytest.raises(KeyError, match="moment"):
        file.load_parameters(values)
    assert file.load_parameters(values, strict=False) == ["bias"]
    assert file.parameters()["weight"].tolist() == [[1.0, 1.0]]
    with pytest.raises(KeyError, match="no Parameter has one of the names"):
        file.load_parameters({"moment": values["moment"]}, strict=False)


def test_what_is_for_other_processors_is_checked_all_the_same(tmp_path, monkeypatch):
    from cellgrad._compiler import program_file
    from cellgrad._errors import InternalError

    monkeypatch.setattr(program_file, "processor", lambda cpu: ("x86-64", ("no-such-feature",)))
    monkeypatch.setattr(program_file, "compile_for", lambda module, name, target: (b"no object code", {"arena": 0}))
    with pytest.raises(InternalError, match="cannot be loaded"):
        exported(tmp_path, lambda x: x + 1.0, Tensor([1.0]))
