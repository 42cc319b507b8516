"""Guards: each kind holds and fails as documented, and explain says why."""
import gc
import types

import pytest
from support import tensor

from cellgrad._runtime import _core


class Cell:
    kind = "class value"

    def __init__(self):
        self.training = True
        self.stride = (1, 2)

    def __getattr__(self, name):
        if name == "hooked":
            return 7
        raise AttributeError(name)


class Prop:
    def __init__(self):
        self._v = 1

    @property
    def v(self):
        return self._v


def guarded(*guards):
    """A dispatcher that counts its misses and keeps the last call."""

    def slow(d, call):
        nonlocal guards
        d.call = call
        if guards is None:
            return "new"
        number = d.add_entry(call, None, [], "hit", guards=guards)
        guards = None  # the entry alone refers to the guarded objects
        return d.run_entry(number, call)

    d = _core.Dispatcher(slow, ("x",))
    assert d(0) == "hit" and d(0) == "hit"
    return d


def cases():
    c, p, m, empty = Cell(), Prop(), types.ModuleType("m"), {}
    other, w = Cell(), tensor([1.0, 2.0])
    m.flag, table, items, free = 1, {"w": w, 5: "five"}, [1, w], [3]
    cell = (lambda: free).__closure__[0]
    box = [True]

    def set_cell(v):
        cell.cell_contents = v

    def rebind():
        w._rebind(tensor([1, 2]))

    return [
        ("attr value", ("attr", c, "training", True), lambda: setattr(c, "training", False), "Cell.training: True -> False"),
        ("attr type counts", ("attr", other, "training", True), lambda: setattr(other, "training", 1), "Cell.training: True -> 1"),
        ("attr tuple", ("attr", c, "stride", (1, 2)), lambda: setattr(c, "stride", (1, 2.0)), "(1, 2) -> (1, 2.0)"),
        ("attr of the class", ("attr", c, "kind", "class value"), lambda: setattr(c, "kind", "own"), "'class value' -> 'own'"),
        ("attr by __getattr__", ("attr", c, "hooked", 7), lambda: setattr(c, "hooked", 8), "7 -> 8"),
        ("property", ("attr", p, "v", 1), lambda: setattr(p, "_v", 2), "Prop.v: 1 -> 2"),
        ("attr deleted", ("attr", m, "flag", 1), lambda: delattr(m, "flag"), "module.flag: 1 -> missing"),
        ("no_attr", ("no_attr", c, "bias"), lambda: setattr(c, "bias", None), "Cell.bias: missing -> present"),
        ("item", ("item", table, "w", w), lambda: table.__setitem__("w", tensor([1.0])), "dict['w']: Tensor Float32(2) -> Tensor Float32(1)"),
        ("item int key", ("item", table, 5, "five"), lambda: table.pop(5), "'five' -> missing"),
        ("item of a list", ("item", items, 1, w), lambda: items.__setitem__(1, None), "list[1]"),
        ("no_item", ("no_item", empty, "k"), lambda: empty.__setitem__("k", 1), "missing -> present"),
        ("cell", ("cell", cell, free), lambda: set_cell([3]), "closure variable: list object -> another list object"),
        ("len", ("len", items, 2), lambda: items.append(1), "len(list): 2 -> 3"),
        ("type", ("type", c, Cell), lambda: setattr(c, "__class__", Prop), "Prop"),
        ("python", ("python", lambda slots: box[0] and slots == (0,)), lambda: box.__setitem__(0, False), "predicate: as captured -> changed"),
        ("eq", ("item", {}, "k", [1], "eq"), None, None),
        ("signature", ("signature", w), rebind, "captured Tensor: Tensor Float32(2) -> Tensor Int64(2)"),
        ("label", ("len", box, 1, "@net.layers"), lambda: box.append(0), "net.layers: 1 -> 2"),
    ]


@pytest.mark.parametrize("index", range(len(cases())), ids=[c[0].replace(" ", "_") for c in cases()])
def test_kind(index):
    name, guard, change, why = cases()[index]
    if change is None:
        table = {"k": [1]}
        d = guarded(("item", table, "k", [1], "eq"))
        table["k"] = [1]
        assert d(0) == "hit"
        table["k"].append(2)
        assert d(0) == "new"
        return
    d = guarded(guard)
    change()
    assert d(0) == "new" and d.stats()["entries"] == 1
    [reasons] = d.call.explain()
    assert len(reasons) == 1 and why in reasons[0]


def test_a_value_put_back_hits_again():
    c = Cell()
    d = guarded(("attr", c, "training", True))
    c.training = False
    assert d(0) == "new"
    c.training = True
    assert d(0) == "hit"
    c.__dict__ = {"training": False, "stride": 1}  # another dict altogether
    assert d(0) == "new"


def test_entries_of_one_signature_by_guard():
    c = Cell()

    def slow(d, call):
        return d.run_entry(d.add_entry(call, None, [], f"training={c.training}", guards=[("attr", c, "training", c.training)]), call)

    d = _core.Dispatcher(slow, ("x",))
    for _ in range(3):
        for c.training in (True, False):
            assert d(0) == f"training={c.training}"
    assert d.stats()["misses"] == 2


def test_entries_of_dead_objects_are_dropped():
    c, other = Cell(), Cell()
    d = guarded(("attr", c, "training", True))
    del c
    gc.collect()
    assert d(0) == "new" and d.stats()["entries"] == 0
    sub = Cell()
    other.sub = sub
    d = guarded(("attr", other, "sub", sub))
    del sub
    other.sub = None
    gc.collect()
    assert d(0) == "new"


def test_errors_in_guards():
    c = Prop()
    d = guarded(("attr", c, "v", 1))
    del c._v
    assert d(0) == "new", "the capture meets the error again and raises it at the user's line"

    def predicate(slots):
        raise RuntimeError("broken predicate")

    d2 = _core.Dispatcher(lambda d, call: d.add_entry(call, None, [], 1, guards=[("python", predicate)]), ("x",))
    d2(0)
    with pytest.raises(RuntimeError, match="broken predicate"):
        d2(0)


@pytest.mark.parametrize("bad", [("attr", 1, 2), ("attr", Cell(), 3, 4), ("nope", 1, 2), 5, ("cell", 1, 2), ("python", 3), ("signature", 3),
                                 ("len", [], "x"), ("attr", Cell(), "a", 1, "strange")], ids=lambda bad: bad[0] if isinstance(bad, tuple) and bad[0] != "attr" else None)
def test_bad_guards_are_refused(bad):
    d = _core.Dispatcher(lambda d, call: d.add_entry(call, None, [], 1, guards=[bad]), ("x",))
    with pytest.raises((TypeError, ValueError)):
        d(0)


def test_a_guard_may_change_the_table():
    def predicate(slots):
        d.clear()
        return False

    d = _core.Dispatcher(lambda d, call: d.add_entry(call, None, [], 1, guards=[("python", predicate)]) and "miss", ("x",))
    for _ in range(5):
        d(0)
    assert d.stats()["entries"] == 1


def test_explain_names_the_argument():
    def slow(d, call):
        d.why = call.explain()
        d.add_entry(call, None, [], 1)

    d = _core.Dispatcher(slow, ("x", "opts"), varkw=True)
    x = tensor([[1.0, 2.0]])
    d(x, {"a": [1, x]})
    for args, kwargs, why in [
        ((tensor([1.0]), {"a": [1, x]}), {}, "x: Tensor Float32(1, 2) -> Tensor Float32(1)"),
        ((x, {"a": [1, tensor(1)]}), {}, "opts['a'][1]: Tensor Float32(1, 2) -> Tensor Int64()"),
        ((x, {"a": [2, x]}), {}, "opts['a'][0]: 1 -> 2"),
        ((x, {"b": [1, x]}), {}, "opts: 'a' -> 'b'"),
        ((x, 3), {}, "opts: dict of length 1 -> 3"),
        ((x,), {}, "opts: dict of length 1 -> not given"),
        ((x, {"a": [1, x]}), {"k": 1}, "k: not given -> 1"),
        ((tensor([1.0]), {"a": [2, x]}), {}, "x: Tensor Float32(1, 2) -> Tensor Float32(1); opts['a'][0]: 1 -> 2"),
    ]:
        d.clear()
        d(x, {"a": [1, x]})
        d(*args, **kwargs)
        assert d.why == [tuple(why.split("; "))]
