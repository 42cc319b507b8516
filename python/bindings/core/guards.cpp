// Guards: what a capture read from the world around it, checked before a cached program runs.
#include "dispatch.h"

namespace cg {

namespace {

const struct {
  const char *name;
  GuardKind kind;
  Py_ssize_t length;
  bool compares;
} kinds[] = {{"attr", kAttr, 4, true},   {"no_attr", kNoAttr, 3, false}, {"item", kItem, 4, true},           {"no_item", kNoItem, 3, false},
             {"cell", kCell, 3, true},   {"len", kLen, 3, false},        {"type", kType, 3, false},          {"signature", kSignature, 2, false},
             {"python", kPython, 2, false}};

// Since 3.12 dicts have no public version; there every guard looks its key up.
uint64_t versionOf(PyObject *dict) {
#if PY_VERSION_HEX < 0x030C0000
  return reinterpret_cast<PyDictObject *>(dict)->ma_version_tag;
#else
  return 0;
#endif
}

// The instance's own dict when reading `name` from obj ends there: found in it, not hidden by a property, ordinary lookup.
PyObject *ownDict(PyObject *obj, PyObject *name) {
#if PY_VERSION_HEX < 0x030C0000
  static PyObject *hook = PyUnicode_InternFromString("__getattribute__");
  PyTypeObject *type = Py_TYPE(obj);
  if (PyType_Check(obj) || _PyType_Lookup(type, hook) != _PyType_Lookup(&PyBaseObject_Type, hook))
    return nullptr;
  PyObject *cls = _PyType_Lookup(type, name);
  if (cls && Py_TYPE(cls)->tp_descr_set)
    return nullptr;
  PyObject *dict = PyObject_GenericGetDict(obj, nullptr); // makes it where the interpreter had none yet
  if (!dict) {
    PyErr_Clear();
    return nullptr;
  }
  PyObject **place = _PyObject_GetDictPtr(obj);
  bool own = place && *place == dict && PyDict_CheckExact(dict) && PyDict_GetItemWithError(dict, name);
  Py_DECREF(dict);
  return own ? dict : nullptr;
#else
  return nullptr;
#endif
}

bool unchanged(const Guard &g, PyObject *obj) {
#if PY_VERSION_HEX < 0x030C0000
  if (!g.dict || g.dictVersion != versionOf(g.dict))
    return false;
  if (g.kind == kItem)
    return true;
  PyObject **place = _PyObject_GetDictPtr(obj);
  return place && *place == g.dict;
#else
  return false;
#endif
}

Check failed() {
  if (!PyErr_Occurred())
    return kFails;
  if (!PyErr_ExceptionMatches(PyExc_Exception)) // KeyboardInterrupt and the like
    return kError;
  PyErr_Clear(); // the capture that follows meets the same error, and raises it where the user wrote it
  return kFails;
}

PyObject *expectedOf(const Guard &g) {
  Held held;
  held.ref = g.expected;
  held.weak = g.expectedWeak;
  return held.get();
}

Check compare(const Guard &g, PyObject *actual) {
  PyObject *expected = expectedOf(g);
  if (!expected)
    return kDead;
  if (!g.eq)
    return sameValue(expected, actual) ? kHolds : kFails;
  Py_INCREF(expected);
  int r = sameKey(expected, actual);
  Py_DECREF(expected);
  return r < 0 ? failed() : Check(r);
}

// container[key], a new reference.
PyObject *lookup(PyObject *container, PyObject *key) {
  if (PyDict_CheckExact(container))
    return Py_XNewRef(PyDict_GetItemWithError(container, key));
  return PyObject_GetItem(container, key);
}

Check absent(PyObject *found) {
  Py_XDECREF(found);
  if (found)
    return kFails;
  Check c = failed();
  return c == kError ? kError : kHolds;
}

} // namespace

Check checkGuard(Guard &g, PyObject *slots) {
  PyObject *obj = g.object.get();
  if (!obj && g.kind != kPython)
    return kDead;
  if (unchanged(g, obj))
    return kHolds;
  struct Keep { // the lookups below may run Python code that drops the object
    PyObject *o;
    ~Keep() { Py_XDECREF(o); }
  } keep{Py_XNewRef(obj)};
  PyObject *value = nullptr;
  switch (g.kind) {
  case kAttr: value = PyObject_GetAttr(obj, g.key); break;
  case kItem: value = lookup(obj, g.key); break;
  case kCell: value = Py_XNewRef(PyCell_GET(obj)); break;
  case kNoAttr: return absent(PyObject_GetAttr(obj, g.key));
  case kNoItem: return absent(lookup(obj, g.key));
  case kLen: {
    Py_ssize_t n = PyObject_Size(obj);
    return n < 0 ? failed() : n == g.n ? kHolds : kFails;
  }
  case kType: return reinterpret_cast<PyObject *>(Py_TYPE(obj)) == g.expected ? kHolds : kFails;
  case kSignature: return matches(asTensor(obj), g.spec) ? kHolds : kFails;
  case kPython: {
    PyObject *r = PyObject_CallOneArg(g.expected, slots);
    int truth = r ? PyObject_IsTrue(r) : -1;
    Py_XDECREF(r);
    return truth < 0 ? kError : Check(truth);
  }
  }
  if (!value)
    return failed();
  Check c = compare(g, value);
  Py_DECREF(value);
  if (c == kHolds && g.dict && !g.eq)
    g.dictVersion = versionOf(g.dict);
  return c;
}

bool parseGuard(PyObject *tuple, Guard *g) {
  if (!PyTuple_Check(tuple) || PyTuple_GET_SIZE(tuple) < 2 || !PyUnicode_Check(PyTuple_GET_ITEM(tuple, 0))) {
    PyErr_Format(PyExc_TypeError, "a guard is a tuple that starts with its kind, got %R", tuple);
    return false;
  }
  Py_ssize_t n = PyTuple_GET_SIZE(tuple);
  PyObject *const *item = &PyTuple_GET_ITEM(tuple, 0);
  for (const auto &k : kinds) {
    if (PyUnicode_CompareWithASCIIString(item[0], k.name) != 0)
      continue;
    g->kind = k.kind;
    for (Py_ssize_t i = k.length; i < n; ++i) {
      if (k.compares && PyUnicode_Check(item[i]) && PyUnicode_CompareWithASCIIString(item[i], "eq") == 0)
        g->eq = true;
      else if (PyUnicode_Check(item[i]) && PyUnicode_GET_LENGTH(item[i]) && PyUnicode_READ_CHAR(item[i], 0) == '@')
        g->label = PyUnicode_Substring(item[i], 1, PY_SSIZE_T_MAX);
      else
        n = 0;
    }
    if (n < k.length)
      break;
    if (g->kind == kPython) {
      g->expected = Py_NewRef(item[1]);
      return PyCallable_Check(item[1]) || (PyErr_SetString(PyExc_TypeError, "a python guard takes a callable"), false);
    }
    if (!g->object.set(item[1]))
      return false;
    if (g->kind == kAttr || g->kind == kNoAttr || g->kind == kItem || g->kind == kNoItem)
      g->key = Py_NewRef(item[2]);
    if ((g->kind == kAttr || g->kind == kNoAttr) && !PyUnicode_Check(g->key)) {
      PyErr_SetString(PyExc_TypeError, "an attribute guard takes the name as a str");
      return false;
    }
    if (g->kind == kCell && !PyCell_Check(item[1])) {
      PyErr_SetString(PyExc_TypeError, "a cell guard takes a closure cell");
      return false;
    }
    if (g->kind == kAttr)
      g->dict = Py_XNewRef(ownDict(item[1], g->key));
    else if (g->kind == kItem && PyDict_CheckExact(item[1]))
      g->dict = Py_NewRef(item[1]);
    if (k.compares) {
      PyObject *expected = item[k.length - 1];
      Held held;
      if (g->eq || isValue(expected))
        held.ref = Py_NewRef(expected);
      else if (!held.set(expected))
        return false;
      g->expected = held.ref;
      g->expectedWeak = held.weak;
    } else if (g->kind == kType) {
      g->expected = Py_NewRef(item[2]);
    } else if (g->kind == kLen) {
      g->n = PyLong_AsLongLong(item[2]);
    } else if (g->kind == kSignature) {
      if (!isTensor(item[1])) {
        PyErr_SetString(PyExc_TypeError, "a signature guard takes a Tensor");
        return false;
      }
      g->spec = specOf(asTensor(item[1]));
    }
    return !PyErr_Occurred();
  }
  PyErr_Format(PyExc_ValueError, "not a guard: %R", tuple);
  return false;
}

void Guard::clear() {
  object.clear();
  Py_CLEAR(key);
  Py_CLEAR(expected);
  Py_CLEAR(label);
  Py_CLEAR(dict);
}

int Guard::visit(visitproc visit, void *arg) const {
  Py_VISIT(object.ref);
  Py_VISIT(key);
  Py_VISIT(expected);
  Py_VISIT(dict);
  return 0;
}

static PyObject *nameOf(const Guard &g, PyObject *obj) {
  if (g.label)
    return Py_NewRef(g.label);
  const char *type = obj ? Py_TYPE(obj)->tp_name : "?";
  switch (g.kind) {
  case kAttr:
  case kNoAttr: return PyUnicode_FromFormat("%s.%U", type, g.key);
  case kItem:
  case kNoItem: return PyUnicode_FromFormat("%s[%R]", type, g.key);
  case kCell: return PyUnicode_FromString("closure variable");
  case kLen: return PyUnicode_FromFormat("len(%s)", type);
  case kType: return PyUnicode_FromFormat("type(%s)", type);
  case kSignature: return PyUnicode_FromString("captured Tensor");
  default: return PyUnicode_FromString("predicate");
  }
}

PyObject *describeValue(PyObject *o) {
  if (!o)
    return PyUnicode_FromString("missing");
  if (isValue(o))
    return PyObject_Repr(o);
  if (!isTensor(o))
    return PyUnicode_FromFormat("%s object", Py_TYPE(o)->tp_name);
  char buf[256];
  formatSpec(buf, sizeof buf, asTensor(o)->dtype, asTensor(o)->shape, asTensor(o)->ndim);
  return PyUnicode_FromFormat("%s %s", Py_TYPE(o)->tp_name, buf);
}

PyObject *describeGuard(Guard &g, PyObject *slots) {
  Check c = checkGuard(g, slots);
  if (c == kError)
    return nullptr;
  if (c == kHolds)
    Py_RETURN_NONE;
  PyObject *obj = g.object.get(), *name = nameOf(g, obj), *before = nullptr, *after = nullptr;
  Py_XINCREF(obj);
  if (c == kDead) {
    before = PyUnicode_FromString("an object");
    after = PyUnicode_FromString("gone");
  } else if (g.kind == kAttr || g.kind == kItem || g.kind == kCell) {
    PyObject *now = g.kind == kAttr   ? PyObject_GetAttr(obj, g.key)
                    : g.kind == kItem ? lookup(obj, g.key)
                                      : Py_XNewRef(PyCell_GET(obj));
    PyErr_Clear();
    PyObject *expected = Py_XNewRef(expectedOf(g));
    before = describeValue(expected);
    after = now && expected && !isValue(now) && Py_TYPE(now) == Py_TYPE(expected) && !isTensor(now)
                ? PyUnicode_FromFormat("another %s object", Py_TYPE(now)->tp_name)
                : describeValue(now);
    Py_XDECREF(expected);
    Py_XDECREF(now);
  } else if (g.kind == kNoAttr || g.kind == kNoItem) {
    before = PyUnicode_FromString("missing");
    after = PyUnicode_FromString("present");
  } else if (g.kind == kLen) {
    before = PyUnicode_FromFormat("%lld", static_cast<long long>(g.n));
    after = PyUnicode_FromFormat("%zd", PyObject_Size(obj));
    PyErr_Clear();
  } else if (g.kind == kType) {
    before = PyUnicode_FromFormat("%R", g.expected);
    after = PyUnicode_FromFormat("%R", Py_TYPE(obj));
  } else if (g.kind == kSignature) {
    char buf[256];
    formatSpec(buf, sizeof buf, g.spec.dtype, g.spec.shape, g.spec.ndim);
    before = PyUnicode_FromFormat("Tensor %s", buf);
    after = describeValue(obj);
  } else {
    before = PyUnicode_FromString("as captured");
    after = PyUnicode_FromString("changed");
  }
  PyObject *text = name && before && after ? PyUnicode_FromFormat("%U: %U -> %U", name, before, after) : nullptr;
  Py_XDECREF(name);
  Py_XDECREF(before);
  Py_XDECREF(after);
  Py_XDECREF(obj);
  return text;
}

} // namespace cg
