"""Dispatcher: binding, signatures, entries, result templates, writes."""
import collections
import gc
import sys
import threading
import weakref

import numpy as np
import pytest
from support import Tensor, make, tensor, values

from cellgrad._runtime import _core
from cellgrad._runtime import dtype as dt
from cellgrad._runtime.tensor_data import from_value

F = dt.float32
ADD = make(lambda a, b, o, arena: np.add(a, b, out=o), [(F, (2,)), (F, (2,))], [(F, (2,))])


def X(*v):
    return tensor([float(a) for a in v] or [1.0, 2.0])


def recorder(names=("x", "y"), result=None, **options):
    """A dispatcher whose entries return a constant; d.calls lists the calls that missed."""

    def slow(d, call):
        d.calls.append(call)
        if call.slots is None:
            raise TypeError("does not bind")
        return d.run_entry(d.add_entry(call, None, [], len(d.calls) if result is None else result), call)

    d = _core.Dispatcher(slow, tuple(names), **options)
    d.calls = []
    return d


def test_hit_runs_the_program_without_python():
    def slow(d, call):
        assert call.args == (x, y) and call.kwargs == {} and call.leaves == (x, y)
        return d.run_entry(d.add_entry(call, ADD, [0, 1], _core.Out(0), tag="add"), call)

    d = _core.Dispatcher(slow, ("x", "y"))
    x, y = X(1, 2), X(3, 4)
    assert values(d(x, y)) == [4, 6] and values(d(X(5, 5), y)) == [8, 9]
    assert d.stats() == {"hits": 1, "misses": 1, "traced": 0, "entries": 1} and d.entries == ["add"]


def test_keywords_defaults_and_order_give_one_entry():
    d = recorder()
    x, y = X(), X()
    assert d(x, y) == d(x, y=y) == d(y=y, x=x) == 1
    assert d(x) == 2 and d(x) == 2
    assert d.calls[1].slots == (x, _core.MISSING)
    for args, kwargs in (((x, y, x), {}), ((x,), {"x": x}), ((), {"z": x})):
        with pytest.raises(TypeError, match="does not bind"):
            d(*args, **kwargs)
        assert d.calls[-1].slots is None and d.calls[-1].args == args and d.calls[-1].kwargs == kwargs


def test_extra_arguments():
    d = recorder(("x",), varargs=True, varkw=True)
    x = X()
    assert d(x, 1, 2, a=3) == d(x, 1, 2, a=3) == 1
    assert d.calls[0].slots == (x, 1, 2, 3) and d.calls[0].extra_names == ("a",)
    assert d(x, 1, 2, b=3) == 2 and d(x, 1, a=3) == 3
    only = recorder(("x", "k"), n_positional=1)
    assert only(x, k=1) == 1
    with pytest.raises(TypeError):
        only(x, 1)


SAME = [
    (lambda: 3, True), (lambda: 2.5, True), (lambda: "text", True), (lambda: None, True), (lambda: (1, [2, {"k": 3}]), True),
    (lambda: float("nan"), True), (lambda: b"x", True), (lambda: 10**30, True), (lambda: ..., True), (lambda: {"a": X()}, True),
    (lambda: object(), False), (lambda: np.ones(2), False), (lambda: np.float32(2), True), (lambda: np.int64(7), True), (lambda: dt.float32, True),
]


@pytest.mark.parametrize("value, same", SAME)
def test_values_and_identities(value, same):
    d = recorder(("v",))
    a, b = value(), value()
    assert d(a) == 1 and d(a) == 1 and (d(b) == 1) == same


Point = collections.namedtuple("Point", "x y")
DIFFERENT = [1, 1.0, True, -0.0, 0.0, 0, "1", b"1", None, (1,), [1], {0: 1}, {1: 0}, (), [], {}, ((), 1), (1, ()), Point(1, 2), (1, 2), "x", 2**70,
             1j, np.float32(1), np.float64(1), dt.float32, dt.float64, {"a": 1, "b": 2}, {"b": 2, "a": 1}, _core.MISSING]


def test_different_values_have_different_entries():
    d = recorder(("v",))
    assert [d(v) for v in DIFFERENT] == list(range(1, len(DIFFERENT) + 1))
    assert [d(v) for v in DIFFERENT] == list(range(1, len(DIFFERENT) + 1))


def test_tensor_signatures():
    d = recorder(("v",))
    shapes = [X(), tensor([1, 2]), tensor([[1.0, 2.0]]), tensor(1.0), X(1, 2, 3), from_value([1, 2], dt.float16), [X()], (X(), X()), {"w": X()}]
    assert [d(v) for v in shapes] == list(range(1, len(shapes) + 1))
    assert d(X(7, 8)) == 1 and d({"w": X(3, 4)}) == len(shapes)

    class Param(Tensor):
        pass

    assert d(from_value([5.0, 6.0], None, Param)) == 1


def test_the_same_tensor_twice_is_two_leaves():
    d = recorder()
    x = X()
    d(x, [x])
    assert len(d.calls[0].leaves) == 2


def test_identities_are_held_weakly():
    class Model:
        pass

    d = recorder(("m",))
    m = Model()
    d(m)
    d.calls.clear()
    ref = weakref.ref(m)
    del m
    gc.collect()
    assert ref() is None
    for _ in range(20):  # an object at the same address is another object
        d(Model())
        d.calls.clear()
    assert d.stats()["entries"] <= 2, "dead entries are dropped"


def test_static_arguments():
    class Key:
        def __init__(self, k):
            self.k = k

        def __eq__(self, other):
            return self.k == other.k

        __hash__ = None

    d = recorder(("x", "key"), static=("key",))
    x = X()
    assert d(x, Key(1)) == 1 and d(x, Key(1)) == 1 and d(x, Key(2)) == 2
    with pytest.raises(ValueError, match="not a parameter"):
        recorder(("x",), static=("nope",))


def test_recursive_containers_raise():
    loop = []
    loop.append(loop)
    with pytest.raises(RecursionError):
        recorder(("x",))(loop)


def test_traced_arguments_and_open_captures():
    seen = []
    d = _core.Dispatcher(lambda d, call: "compiled", ("x",), traced_path=lambda *a, **k: seen.append((a, k)) or "traced")
    node = _core.traced(F, (2,), "node")
    assert d(node) == "traced" and d(x=[node]) == "traced" and d(X()) == "compiled"
    _core.enter_capture()
    try:
        assert _core.capture_depth() == 1 and d(X()) == "traced"
        other = []
        t = threading.Thread(target=lambda: other.append(d(X())))
        t.start(), t.join()
        assert other == ["compiled"], "captures belong to a thread"
    finally:
        _core.exit_capture()
    assert d(X()) == "compiled" and d.stats()["traced"] == 3 and seen[0] == ((node,), {})


def test_result_templates():
    exe = make(lambda x, a, b, arena: None, [(F, (2,))], [(F, (2,)), (F, ())])
    O, I, S, C = _core.Out, _core.In, _core.Slot, _core.Const
    template = {"t": (O(0), [O(1), O(0)]), "p": Point(O(1), 5), "in": I(0), "slot": S(1), "c": C((1, O)), "n": None,
                "od": collections.OrderedDict(k=O(1))}
    d = _core.Dispatcher(lambda d, call: d.run_entry(d.add_entry(call, exe, [0], template), call), ("x", "k"))
    x = X()
    for _ in range(2):
        r = d(x, "word")
        a, b = r["t"][0], r["t"][1][0]
        assert a.shape == (2,) and b.shape == () and r["t"][1][1] is a and type(r["t"][1]) is list
        assert type(r["p"]) is Point and r["p"] == (b, 5) and r["in"] is x and r["slot"] == "word" and r["c"] == (1, O) and r["n"] is None
        assert type(r["od"]) is collections.OrderedDict and r["od"]["k"] is b
    assert d(x, "word")["t"] is not d(x, "word")["t"]
    bad = _core.Dispatcher(lambda d, call: d.add_entry(call, exe, [0], O(2)), ("x",))
    with pytest.raises(ValueError, match=r"Out\(2\), but there are 2"):
        bad(x)


def test_captured_tensors_and_callables():
    class Param(Tensor):
        pass

    w, counter = from_value([10.0, 20.0], None, Param), []

    def provider():
        counter.append(1)
        return X(100, 100)

    three = make(lambda a, b, c, o, arena: np.copyto(o, a + b + c), [(F, (2,))] * 3, [(F, (2,))])
    d = _core.Dispatcher(lambda d, call: d.run_entry(d.add_entry(call, three, [0, w, provider], _core.Out(0)), call), ("x",))
    assert values(d(X(1, 2))) == [111, 122] and values(d(X(1, 2))) == [111, 122] and len(counter) == 2
    w._set_from(X(0, 0))
    assert values(d(X(1, 2))) == [101, 102]
    w._rebind(X(5, 5))
    assert values(d(X(1, 2))) == [106, 107] and d.stats()["misses"] == 1
    w._rebind(tensor([1.0, 2.0, 3.0]))
    with pytest.raises(ValueError, match=r"input 1 is Float32\(3\)"):
        d(X(1, 2))
    assert d.stats()["misses"] == 2
    weak = _core.Dispatcher(lambda d, call: d.run_entry(d.add_entry(call, ADD, [0, weakref.ref(v)], _core.Out(0)), call) if v else "miss", ("x",))
    v = from_value([1.0, 1.0], None, Param)
    assert values(weak(X(1, 2))) == [2, 3] and values(weak(X(2, 2))) == [3, 3]
    v = None
    assert weak(X(1, 2)) == "miss"
    wrong = _core.Dispatcher(lambda d, call: d.run_entry(d.add_entry(call, ADD, [0, lambda: 5], _core.Out(0)), call), ("x",))
    with pytest.raises(TypeError, match="must be a Tensor, got int"):
        wrong(X())


def test_plans_are_checked():
    for plan, message in (([0], "plan has 1 items"), ([0, 5], "item 1 of the plan"), ([0, "x"], "item 1 of the plan"), ([0, -1], "item 1")):
        with pytest.raises(ValueError, match=message):
            _core.Dispatcher(lambda d, call, plan=plan: d.add_entry(call, ADD, plan, None), ("x",))(X())
    with pytest.raises(TypeError, match="Executable or None"):
        _core.Dispatcher(lambda d, call: d.add_entry(call, 5, [], None), ("x",))(X())


def test_writes_happen_after_the_run():
    class Box:
        pass

    box, table = Box(), {}
    writes = [("setattr", box, "last", _core.Out(0)), ("setitem", table, "k", (_core.In(0), 1))]
    d = _core.Dispatcher(lambda d, call: d.run_entry(d.add_entry(call, ADD, [0, 0], None, writes=writes), call), ("x",))
    x = X(1, 2)
    for _ in range(2):
        box.last = None
        assert d(x) is None and values(box.last) == [2, 4] and table["k"] == (x, 1)


def test_methods_subclasses_and_attributes():
    class Jit(_core.Dispatcher):
        """doc"""

        def extra(self):
            return "extra"

    class Model:
        run = Jit(lambda d, call: d.run_entry(d.add_entry(call, None, [], call.slots[1]), call), ("self", "x"))

    m = Model()
    assert m.run(3) == 3 and m.run(3) == 3 and Model.run.stats()["hits"] == 1 and Model.run(m, 3) == 3 and Model.run.extra() == "extra"
    Model.run.note = 5
    assert Model.run.note == 5 and weakref.ref(Model.run)() is Model.run and Model.run.names == ("self", "x")


def test_remove_and_clear():
    numbers = []

    def slow(d, call):
        numbers.append(d.add_entry(call, None, [], "r", tag=len(numbers)))
        return "miss"

    d = _core.Dispatcher(slow, ("x",))
    assert [d(1), d(2), d(1)] == ["miss", "miss", "r"] and sorted(d.entries) == [0, 1]
    d.remove_entry(numbers[0])
    assert d(1) == "miss"
    d.clear()
    assert d.entries == [] and d(2) == "miss"
    with pytest.raises(KeyError):
        d.remove_entry(99)


def test_many_entries_are_found():
    d = recorder(("x",))
    assert [d(i) for i in range(300)] == list(range(1, 301)) == [d(i) for i in range(300)]


def test_cycles_are_collected():
    class Model:
        pass

    def slow(d, call):
        model = box[0]
        return d.run_entry(d.add_entry(call, None, [], _core.Const(model), guards=[("attr", model, "k", 1)]), call)

    m = Model()
    box = [m]
    m.k, m.step, m.box = 1, _core.Dispatcher(slow, ("x",)), box
    assert m.step(X()) is m and m.step(X()) is m
    ref = weakref.ref(m)
    m = box = slow = None
    gc.collect()
    assert ref() is None


def test_initialisation():
    class Late(_core.Dispatcher):
        def __new__(cls, *args):
            return super().__new__(cls)

        def __init__(self, ready):
            if ready:
                super().__init__(lambda d, call: "slow", ("x",))

    assert Late(True)(1) == "slow"
    with pytest.raises(RuntimeError, match="Late.__init__ was not called"):
        Late(False)(1)
    with pytest.raises(RuntimeError, match="once"):
        Late(True).__init__(True)
    for bad in (("x", ["a"]), ("x", (1,)), ("x", ("a",), 5)):
        with pytest.raises((TypeError, ValueError)):
            _core.Dispatcher(*bad)


def test_references_are_balanced():
    d = _core.Dispatcher(lambda d, call: d.run_entry(d.add_entry(call, ADD, [0, 1], (_core.Out(0), _core.In(0), "k"),
                                                             guards=[("python", lambda s: True), ("item", table, "a", x)]), call), ("x", "y"))
    x, y = X(), X()
    table = {"a": x}
    d(x, y)
    objects = [d, x, y, table, Tensor, ADD]
    gc.collect()
    counts, used = [sys.getrefcount(o) for o in objects], _core.memory_stats()["used_bytes"]
    for _ in range(1000):
        d(x, y=y)
    gc.collect()
    assert [sys.getrefcount(o) for o in objects] == counts and _core.memory_stats()["used_bytes"] == used


def test_threads_share_a_dispatcher_that_is_cleared_meanwhile():
    exe = make(lambda x, o, arena: np.multiply(x, 3, out=o), [(F, (256,))], [(F, (256,))], release_gil=True)

    def slow_path(d, call):
        while True:
            try:
                return d.run_entry(d.add_entry(call, exe, [0], {"y": [_core.Out(0)]}), call)
            except KeyError:
                continue  # cleared between the two

    d = _core.Dispatcher(slow_path, ("x",))
    stop, failures, done = threading.Event(), [], []

    def work(seed):
        x = [tensor(np.full(256, seed, np.float32))]
        for n in range(30_000):
            if n >= 300 and d.stats()["misses"] > 1:  # the cleaner had its turn
                break
            if values(d(x)["y"][0])[::255] != [3 * seed] * 2:
                failures.append(seed)
            done.append(seed)
            x[0] = tensor(np.full(256, seed, np.float32))  # the list's element dies while other threads run

    def clear():
        while not stop.is_set():
            d.clear()

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    cleaner = threading.Thread(target=clear)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for t in [*threads, cleaner]:
            t.start()
        for t in threads:
            t.join()
    finally:
        stop.set()
        cleaner.join()
        sys.setswitchinterval(interval)
    assert not failures and len(done) >= 4 * 300 and d.stats()["misses"] > 1
