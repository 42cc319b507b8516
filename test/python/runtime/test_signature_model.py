"""Random arguments against a model of the signature in Python: two calls share an entry exactly when the model says so."""
import collections
import random
import struct

import numpy as np
from support import tensor

from cellgrad._runtime import _core
from cellgrad._runtime import dtype as dt
from cellgrad._runtime.tensor_data import from_value

Pair = collections.namedtuple("Pair", "a b")


class Bag(dict):
    pass


OBJECTS = [object(), len, dt.float32, dt, int, np.ones(1)]
MAKERS = [
    lambda r: tensor([1.0] * r.randint(0, 3)),
    lambda r: tensor([[1] * r.randint(1, 2)]),
    lambda r: from_value(1, r.choice(dt.SUPPORTED)),
    lambda r: r.randint(-2, 2),
    lambda r: r.choice([0.0, -0.0, 1.0, float("nan"), float("inf")]),
    lambda r: r.choice("ab"),
    lambda r: r.random() < 0.5,
    lambda r: None,
    lambda r: r.choice([b"a", b"b"]),
    lambda r: r.choice([1j, 2j]),
    lambda r: r.choice(OBJECTS),
    lambda r: np.float32(r.randint(0, 1)),
]


def value(r, depth=0):
    if depth < 3 and r.random() < 0.45:
        items = [value(r, depth + 1) for _ in range(r.randint(0, 3))]
        kind = r.randint(0, 4)
        if kind == 0:
            return tuple(items)
        if kind == 1:
            return items
        if kind == 2:
            return Pair(value(r, depth + 1), value(r, depth + 1))
        keys = r.sample(["a", "b", 1, 2.0, True, None], len(items))
        return (dict if kind == 3 else Bag)(zip(keys, items))
    return r.choice(MAKERS)(r)


def key(v):
    """What the documentation says counts."""
    if isinstance(v, _core.TensorBase):
        return ("tensor", v.dtype.name, v.shape)
    if isinstance(v, (tuple, list)):
        return (type(v), tuple(map(key, v)))
    if isinstance(v, dict):
        return (type(v), tuple((key(k), key(item)) for k, item in v.items()))
    if type(v) is float:
        return ("float", struct.pack("d", v))
    if v is None or type(v) in (bool, int, complex, str, bytes, np.float32):
        return (type(v), v)
    return ("identity", id(v))


def test_entries_follow_the_model():
    r = random.Random(7)
    d = _core.Dispatcher(lambda d, call: d.run_entry(d.add_entry(call, None, [], len(seen)), call), ("x", "y"), varargs=True, varkw=True)
    seen, sizes = {}, set()
    for _ in range(6000):
        args = [value(r) for _ in range(r.randint(0, 4))]
        kwargs = {name: value(r) for name in r.sample(["k", "l"], r.randint(0, 2))} if len(args) >= 2 else {}
        model = (tuple(map(key, args)), tuple((k, key(v)) for k, v in kwargs.items()))
        expected = seen.setdefault(model, len(seen) + 1) if model not in seen else seen[model]
        assert d(*args, **kwargs) == expected
        sizes.add(len(args))
    assert len(sizes) == 5 and d.stats()["hits"] > 500 and d.stats()["entries"] == len(seen)
