"""Cell: attributes, names of Parameters, children, text. The names and texts are those of MindSpore 2.10."""
from __future__ import annotations

import copy
import pickle
from collections import OrderedDict

import numpy as np
import pytest

import cellgrad as ms
from cellgrad import Parameter, ParameterTuple, Tensor, nn


def param(name: str | None = None) -> Parameter:
    return Parameter(Tensor([1.0, 2.0]), name=name)


class Block(nn.Cell):
    def __init__(self) -> None:
        super().__init__()
        self.w = param("own")
        self.v = param()
        self.fc = nn.Dense(2, 3)
        self.pair = ParameterTuple([param("q"), param("r")])

    def construct(self, x):
        return self.fc(x)


class Net(nn.Cell):
    def __init__(self) -> None:
        super().__init__()
        self.block = Block()
        self.seq = nn.SequentialCell([nn.Dense(2, 2), nn.ReLU()])
        self.cells_ = nn.CellList([nn.Dense(1, 1), nn.Flatten()])
        self.bn = nn.BatchNorm2d(6)


def names(cell: nn.Cell) -> list[str]:
    return [p.name for p in cell.get_parameters()]


def test_names_of_a_cell() -> None:
    assert names(Block()) == ["own", "v", "q", "r", "fc.weight", "fc.bias"]


def test_names_in_a_network() -> None:
    assert names(Net()) == ["block.w", "block.v", "block.q", "block.r", "block.fc.weight", "block.fc.bias", "seq.0.weight", "seq.0.bias", "cells_.0.weight",
                            "cells_.0.bias", "bn.moving_mean", "bn.moving_variance", "bn.gamma", "bn.beta"]


def test_paths_and_cells() -> None:
    net = Net()
    assert [path for path, _ in net.parameters_and_names()][:3] == ["block.w", "block.v", "block.q"]
    assert [path for path, _ in net.cells_and_names()] == ["", "block", "block.fc", "seq", "seq.0", "seq.1", "cells_", "cells_.0", "cells_.1", "bn"]
    assert list(net.name_cells()) == ["block", "seq", "cells_", "bn"]
    assert list(net.parameters_dict()) == names(net)
    assert net.get_sub_cell("seq.0") is net.seq[0]


def test_trainable() -> None:
    net = Net()
    assert [p.name for p in net.untrainable_params()] == ["bn.moving_mean", "bn.moving_variance"]
    net.block.fc.weight.requires_grad = False
    assert "block.fc.weight" not in [p.name for p in net.trainable_params()]


def test_auto_prefix_off() -> None:
    class Plain(nn.Cell):
        def __init__(self) -> None:
            super().__init__(auto_prefix=False)
            self.a = nn.Dense(1, 1)

    assert names(Plain()) == ["weight", "bias"]
    loss = nn.WithLossCell(nn.Dense(2, 2), nn.MSELoss())
    assert names(loss) == ["weight", "bias"]


def test_shared_cell_is_counted_once() -> None:
    shared = nn.Dense(2, 2)

    class Twice(nn.Cell):
        def __init__(self) -> None:
            super().__init__()
            self.a = shared
            self.b = shared

    net = Twice()
    assert names(net) == ["b.weight", "b.bias"]
    assert len(list(net.cells())) == 1


def test_attributes_replace_each_other() -> None:
    cell = nn.Cell()
    cell.a = 5
    cell.a = param("p")
    assert cell.a.name == "p" and list(cell.parameters_dict()) == ["p"]
    cell.a = nn.ReLU()
    assert names(cell) == [] and list(cell.name_cells()) == ["a"]
    cell.a = None
    assert list(cell.cells()) == []
    del cell.a
    with pytest.raises(AttributeError, match="no attribute 'a'"):
        _ = cell.a


def test_tensor_is_written_into_a_parameter() -> None:
    cell = nn.Dense(2, 1)
    weight = cell.weight
    cell.weight = Tensor([[3.0, 4.0]])
    assert cell.weight is weight and weight.asnumpy().tolist() == [[3.0, 4.0]]
    with pytest.raises(TypeError, match="'weight' is a Parameter"):
        cell.weight = 5


def test_unknown_attribute_suggests() -> None:
    with pytest.raises(AttributeError, match=r"The 'Net' object has no attribute 'blok'. Did you mean 'block'\?"):
        _ = Net().blok


def test_absent_hook_says_what_to_do() -> None:
    with pytest.raises(AttributeError, match="does not have it yet; instead, compute on the result"):
        nn.ReLU().register_forward_hook(lambda *a: None)


def test_init_forgotten() -> None:
    class A(nn.Cell):
        def __init__(self) -> None:
            self.x = nn.ReLU()

    class B(nn.Cell):
        def __init__(self) -> None:
            self.x = param()

    for cls in (A, B):
        with pytest.raises(AttributeError, match=r"call super\(\).__init__\(\)"):
            cls()


def test_insert() -> None:
    cell = nn.Cell()
    cell.insert_param_to_cell("z", param("zz"))
    cell.insert_param_to_cell("y", param())
    cell.insert_child_to_cell("d", nn.Dense(1, 1))
    assert names(cell) == ["zz", "y", "d.weight", "d.bias"]
    with pytest.raises(KeyError):
        cell.insert_child_to_cell("z", nn.ReLU())
    with pytest.raises(KeyError):
        cell.insert_param_to_cell("a.b", param())
    with pytest.raises(TypeError):
        cell.insert_child_to_cell("q", 5)
    with pytest.raises(TypeError):
        cell.insert_param_to_cell("q", 5)
    with pytest.raises(ValueError, match="cannot contain itself"):
        cell.insert_child_to_cell("me", cell)


def test_construct_missing() -> None:
    with pytest.raises(AttributeError, match="'construct' is not defined"):
        nn.Cell()(Tensor([1.0]))


def test_same_names_are_found() -> None:
    cell = nn.Cell()
    cell.a, cell.b = param("n"), param("n")
    with pytest.raises(ValueError, match="'a' and 'b' .* have the same name 'n'"):
        cell.check_names()


def test_set_train_reaches_all() -> None:
    net = Net()
    assert net.set_train() is net and all(c.training for _, c in net.cells_and_names())
    net.set_train(False)
    assert not net.block.fc.training
    with pytest.raises(TypeError):
        net.set_train(1)


def test_apply_visits_children_first() -> None:
    seen = []
    net = nn.SequentialCell(nn.ReLU(), nn.Tanh())
    assert net.apply(lambda c: seen.append(c.cls_name)) is net
    assert seen == ["ReLU", "Tanh", "SequentialCell"]


def test_repr() -> None:
    net = nn.SequentialCell(nn.Dense(3, 2, has_bias=False, activation="relu"), nn.Dropout(p=0.3), nn.MaxPool2d(2, 2))
    assert repr(net) == """SequentialCell(
  (0): Dense(
    input_channels=3, output_channels=2, activation=ReLU()
    (activation): ReLU()
  )
  (1): Dropout(p=0.3)
  (2): MaxPool2d(kernel_size=2, stride=2, pad_mode=VALID)
)"""
    assert repr(nn.Dense(10, 20)) == "Dense(input_channels=10, output_channels=20, has_bias=True)"
    assert repr(nn.CrossEntropyLoss()) == "CrossEntropyLoss()"
    assert repr(nn.Cell()) == "Cell()"


def test_copies() -> None:
    net = Block()
    for other in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert names(other) == names(net) and other.fc.weight is not net.fc.weight
        assert (other.fc.weight.asnumpy() == net.fc.weight.asnumpy()).all()
        assert other.fc is other._cells["fc"] and other.w is other._params["w"]


def test_sequential() -> None:
    net = nn.SequentialCell(OrderedDict([("x", nn.Dense(1, 1)), ("y", nn.ReLU())]))
    assert names(net) == ["x.weight", "x.bias"] and len(net) == 2
    with pytest.raises(IndexError, match=r"\[-2, 2\), got 5"):
        _ = net[5]
    with pytest.raises(TypeError):
        _ = net["x"]
    assert repr(nn.SequentialCell(nn.ReLU(), nn.Tanh())[0:1]) == "SequentialCell(\n  (0): ReLU()\n)"
    with pytest.raises(TypeError, match="every element must be a Cell"):
        nn.SequentialCell([nn.ReLU(), 3])


def test_cell_list_renumbers() -> None:
    cells = nn.CellList([nn.ReLU(), nn.Tanh()])
    cells.insert(0, nn.Dense(1, 1))
    cells.extend([nn.Dense(1, 1)])
    assert names(cells) == ["0.weight", "0.bias", "3.weight", "3.bias"]
    del cells[0]
    assert names(cells) == ["2.weight", "2.bias"] and isinstance(cells[-1], nn.Dense)
    with pytest.raises(NotImplementedError):
        cells(Tensor([1.0]))


def test_cell_list_grows_in_a_network() -> None:
    net = Net()
    net.cells_.append(nn.Dense(2, 1))
    assert [n for n in names(net) if n.startswith("cells_.2")] == ["cells_.2.weight", "cells_.2.bias"]


def test_cell_dict() -> None:
    cells = nn.CellDict({"a": nn.Dense(1, 1), "b": nn.ReLU()})
    assert names(cells) == ["a.weight", "a.bias"] and list(cells.keys()) == ["a", "b"] and "a" in cells
    assert isinstance(cells.pop("b"), nn.ReLU) and len(cells) == 1
    with pytest.raises(KeyError):
        del cells["zz"]


def test_parameter_of_a_tuple_is_an_attribute() -> None:
    net = Block()
    assert net.q is net.pair[0]


def test_import_is_lazy() -> None:
    assert ms.nn is nn


def test_parameter_of_a_tuple_hides_no_method() -> None:
    weight = Parameter(Tensor([1.0]), name="construct")

    class Net(nn.Cell):
        def __init__(self) -> None:
            super().__init__()
            self.listed = ParameterTuple([weight])

        def construct(self, x):
            return x * self.listed[0]

    net = Net()
    assert float(net(Tensor([2.0]))) == 2.0
    assert [p.name for p in net.trainable_params()] == ["construct"]


def test_a_training_step_is_freed_with_its_network():
    import gc
    import weakref

    net = nn.Dense(2, 1)
    step = nn.TrainOneStepCell(nn.WithLossCell(net, nn.MSELoss()), nn.SGD(net.trainable_params(), 0.1))
    step(Tensor(np.ones((3, 2), np.float32)), Tensor(np.ones((3, 1), np.float32)))
    left = weakref.ref(step), weakref.ref(net.weight)
    del step, net
    gc.collect()
    assert [ref() for ref in left] == [None, None]
