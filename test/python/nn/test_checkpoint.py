"""Checkpoints: what is written comes back, whole or not at all."""
from __future__ import annotations

import os

import numpy as np
import pytest

import cellgrad as ms
from cellgrad import Parameter, Tensor, nn


def values(cell: nn.Cell) -> list:
    return [p.asnumpy().copy() for p in cell.get_parameters()]


def same(a: list, b: list) -> bool:
    return all((x == y).all() for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("name, file", [("a", "a.ckpt"), ("a.ckpt", "a.ckpt"), ("a.safetensors", "a.safetensors")])
def test_round_trip(tmp_path, name, file) -> None:
    net, other = nn.SequentialCell(nn.Dense(3, 2), nn.BatchNorm1d(2)), nn.SequentialCell(nn.Dense(3, 2), nn.BatchNorm1d(2))
    ms.save_checkpoint(net, str(tmp_path / name))
    assert os.listdir(tmp_path) == [file]
    loaded = ms.load_checkpoint(str(tmp_path / file))
    assert all(isinstance(p, Parameter) for p in loaded.values()) and sorted(loaded) == sorted(p.name for p in net.get_parameters())
    assert ms.load_param_into_net(other, loaded) == ([], [])
    assert same(values(net), values(other))


@pytest.mark.parametrize("dtype", ["bool_", "int8", "int16", "int32", "int64", "uint8", "float16", "bfloat16", "float32", "float64"])
def test_every_dtype(tmp_path, dtype) -> None:
    t = Tensor(np.array([[0, 1], [1, 0]]), getattr(ms, dtype))
    ms.save_checkpoint({"t": t, "scalar": Tensor(2.5)}, tmp_path / "x.ckpt", append_dict={"epoch": 3, "best": True})
    loaded = ms.load_checkpoint(tmp_path / "x.ckpt")
    assert loaded["t"].dtype is t.dtype and (loaded["t"].asnumpy() == t.asnumpy()).all()
    assert loaded["epoch"].item() == 3 and loaded["best"].dtype is ms.bool_ and loaded["scalar"].shape == ()


def test_readable_by_others(tmp_path) -> None:
    from safetensors.numpy import load_file

    net = nn.Dense(2, 2)
    ms.save_checkpoint(net, tmp_path / "n.safetensors")
    assert (load_file(tmp_path / "n.safetensors")["weight"] == net.weight.asnumpy()).all()


@pytest.mark.parametrize("damage", ["cut", "garbage", "empty", "header"])
def test_damaged_file(tmp_path, damage) -> None:
    path, net = tmp_path / "n.ckpt", nn.Dense(4, 4)
    ms.save_checkpoint(net, path)
    content = path.read_bytes()
    path.write_bytes({"cut": content[:-5], "garbage": b"garbage" * 9, "empty": b"", "header": b"\xff" * 8 + content[8:]}[damage])
    before = values(net)
    with pytest.raises(ValueError, match="damaged or not a safetensors file"):
        ms.load_checkpoint(path, net=net)
    assert same(before, values(net))


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch) -> None:
    path, net = tmp_path / "n.ckpt", nn.Dense(2, 2)
    ms.save_checkpoint(net, path)
    content = path.read_bytes()

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", fail)
    net.weight.set_data(Tensor(np.zeros((2, 2), np.float32)))
    with pytest.raises(OSError, match="disk full"):
        ms.save_checkpoint(net, path)
    assert path.read_bytes() == content and os.listdir(tmp_path) == ["n.ckpt"]


def test_missing_and_surplus_names() -> None:
    net = nn.SequentialCell(nn.Dense(2, 2), nn.Dense(2, 2))
    data = {"0.weight": net[0].weight, "0.bias": net[0].bias, "zz": Parameter(Tensor([1.0]), name="zz")}
    assert ms.load_param_into_net(net, data) == (["1.weight", "1.bias"], ["zz"])


def test_nothing_is_half_loaded() -> None:
    net = nn.SequentialCell(nn.Dense(2, 2), nn.Dense(2, 2))
    before = values(net)
    data = {"0.weight": Parameter(Tensor(np.zeros((2, 2), np.float32)), name="0.weight"), "1.bias": Parameter(Tensor([1.0]), name="1.bias")}
    with pytest.raises(RuntimeError, match=r"'1.bias' has shape \(2,\) in the Cell but \(1,\)"):
        ms.load_param_into_net(net, data)
    assert same(before, values(net))


def test_dtypes() -> None:
    net = nn.Dense(2, 2)
    half = {"bias": Parameter(Tensor([1.0, 2.0], ms.float16), name="bias")}
    ms.load_param_into_net(net, half)
    assert net.bias.asnumpy().tolist() == [1.0, 2.0] and net.bias.dtype is ms.float32
    with pytest.raises(RuntimeError, match="dtype"):
        ms.load_param_into_net(net, half, strict_load=True)
    with pytest.raises(TypeError):
        ms.load_param_into_net(net, {"bias": 5})


def test_choice_and_prefixes(tmp_path) -> None:
    net = nn.SequentialCell(nn.Dense(2, 2), nn.Dense(2, 2))
    ms.save_checkpoint(net, tmp_path / "n.ckpt", choice_func=lambda name: name.startswith("0"))
    assert sorted(ms.load_checkpoint(tmp_path / "n.ckpt")) == ["0.bias", "0.weight"]
    assert list(ms.load_checkpoint(tmp_path / "n.ckpt", filter_prefix="0.b")) == ["0.weight"]
    assert list(ms.load_checkpoint(tmp_path / "n.ckpt", specify_prefix=["0.b"])) == ["0.bias"]
    with pytest.raises(ValueError, match="nothing was read"):
        ms.load_checkpoint(tmp_path / "n.ckpt", specify_prefix="7")


def test_mistakes(tmp_path) -> None:
    with pytest.raises(ValueError, match="there is no file"):
        ms.load_checkpoint(tmp_path / "none.ckpt")
    with pytest.raises(TypeError):
        ms.save_checkpoint(5, tmp_path / "x")
    with pytest.raises(NotImplementedError, match="encryption"):
        ms.save_checkpoint(nn.Dense(1, 1), tmp_path / "x", enc_key=b"k")
    cell = nn.Cell()
    cell.a, cell.b = Parameter(Tensor([1.0]), name="n"), Parameter(Tensor([1.0]), name="n")
    with pytest.raises(ValueError, match="same name"):
        ms.save_checkpoint(cell, tmp_path / "x")
    assert os.listdir(tmp_path) == []


def test_optimizer_state(tmp_path) -> None:
    net = nn.Dense(2, 2)
    optimizer = nn.Adam(net.trainable_params())
    ms.save_checkpoint(optimizer, tmp_path / "o.ckpt")
    assert set(ms.load_checkpoint(tmp_path / "o.ckpt")) == {"global_step", "learning_rate", "weight", "bias", "beta1_power", "beta2_power", "moment1.weight",
                                                            "moment1.bias", "moment2.weight", "moment2.bias"}
