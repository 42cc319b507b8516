// What sets a call apart from a cached entry, in the words of the call: names of arguments, attributes and variables, old -> new.
#include "devices.h"
#include "dispatch.h"

namespace cg {

static PyObject *tokenText(const Token &t) {
  char buf[256];
  switch (t.kind) {
  case kMissing: return PyUnicode_FromString("not given");
  case kTensor: {
    const int64_t *shape = t.shape ? t.shape : asTensor(t.obj)->shape;
    formatSpec(buf, sizeof buf, t.dtype, shape, t.ndim);
    return PyUnicode_FromFormat("Tensor %s", buf);
  }
  case kSequence:
  case kDict: return PyUnicode_FromFormat("%s of length %d", reinterpret_cast<PyTypeObject *>(t.obj)->tp_name, t.n);
  case kIdentity: {
    PyObject *o = identityOf(t);
    return o ? PyUnicode_FromFormat("%s object", Py_TYPE(o)->tp_name) : PyUnicode_FromString("an object that is gone");
  }
  default: return PyUnicode_FromFormat("%R", t.obj);
  }
}

namespace {

// Two walks side by side. Where containers agree their elements are compared, elsewhere the whole subtree is one difference.
class Comparison {
public:
  Comparison(const Signature &was, const Signature &now, PyObject *list) : was(was.tokens), now(now.tokens), list(list) {}

  bool run(PyObject *names, int numSlots) { // false: exception
    size_t i = 0, j = 0;
    for (int slot = 0; i < was.size() || j < now.size(); ++slot) {
      bool before = i < was.size(), after = j < now.size();
      bool namedBefore = before && was[i].kind == kKeyword, namedAfter = after && now[j].kind == kKeyword;
      if (namedBefore || namedAfter)
        return keywords(i, j);
      PyObject *path = slot < numSlots ? Py_NewRef(PyTuple_GET_ITEM(names, slot)) : PyUnicode_FromFormat("argument %d", slot);
      bool ok = path && (before && after ? compare(i, j, path) : oneSided(before ? was : now, before ? i : j, path, before));
      Py_XDECREF(path);
      if (!ok)
        return false;
    }
    return true;
  }

private:
  // Extra keywords, in the order of the call.
  bool keywords(size_t i, size_t j) {
    while (i < was.size() || j < now.size()) {
      bool before = i < was.size() && was[i].kind == kKeyword, after = j < now.size() && now[j].kind == kKeyword;
      bool ok;
      if (before && after) {
        PyObject *path = now[j].obj;
        if (!sameValue(was[i].obj, path)) {
          PyObject *a = was[i].obj;
          return add(PyUnicode_FromFormat("keyword arguments in another order: '%U' -> '%U'", a, path));
        }
        ok = compare(++i, ++j, path);
      } else {
        // A keyword on one side only, or a positional argument beside a keyword.
        bool left = i < was.size();
        const std::vector<Token> &side = left ? was : now;
        size_t &at = left ? i : j;
        PyObject *path = side[at].kind == kKeyword ? Py_NewRef(side[at++].obj) : PyUnicode_FromString("another positional argument");
        ok = path && oneSided(side, at, path, left);
        Py_XDECREF(path);
      }
      if (!ok)
        return false;
    }
    return true;
  }

  size_t skip(const std::vector<Token> &tokens, size_t at) {
    const Token &t = tokens[at++];
    for (int32_t k = 0; (t.kind == kSequence || t.kind == kDict) && k < t.n; ++k)
      at = skip(tokens, t.kind == kDict ? at + 1 : at);
    return at;
  }

  bool add(PyObject *text) {
    int r = text ? PyList_Append(list, text) : -1;
    Py_XDECREF(text);
    return r == 0;
  }

  bool addChange(PyObject *path, PyObject *a, PyObject *b) {
    bool ok = a && b && add(PyUnicode_FromFormat("%U: %U -> %U", path, a, b));
    Py_XDECREF(a);
    Py_XDECREF(b);
    return ok;
  }

  bool oneSided(const std::vector<Token> &side, size_t &at, PyObject *path, bool before) {
    PyObject *text = tokenText(side[at]), *absent = PyUnicode_FromString("not given");
    at = skip(side, at);
    return before ? addChange(path, text, absent) : addChange(path, absent, text);
  }

  bool compare(size_t &i, size_t &j, PyObject *path) {
    const Token &a = was[i], &b = now[j];
    int same = sameToken(a, b);
    if (same < 0)
      return false;
    if (!same) {
      if (!addChange(path, tokenText(a), tokenText(b)))
        return false;
      i = skip(was, i);
      j = skip(now, j);
      return true;
    }
    ++i;
    ++j;
    for (int32_t k = 0; (a.kind == kSequence || a.kind == kDict) && k < a.n; ++k)
      if (!element(a, k, i, j, path))
        return false;
    return true;
  }

  bool element(const Token &container, int32_t k, size_t &i, size_t &j, PyObject *path) {
    PyObject *step;
    if (container.kind == kDict) {
      const Token &key = was[i++], &other = now[j++];
      int same = sameToken(key, other);
      if (same < 0)
        return false;
      if (!same) {
        i = skip(was, i);
        j = skip(now, j);
        return addChange(path, tokenText(key), tokenText(other));
      }
      step = key.kind == kValue ? PyUnicode_FromFormat("[%R]", key.obj) : PyUnicode_FromString("[key]");
    } else {
      step = PyUnicode_FromFormat("[%d]", k);
    }
    PyObject *deeper = step ? PyUnicode_Concat(path, step) : nullptr;
    bool ok = deeper && compare(i, j, deeper);
    Py_XDECREF(step);
    Py_XDECREF(deeper);
    return ok;
  }

  const std::vector<Token> &was, &now;
  PyObject *list;
};

// Tensors from outside that are gone, or have another dtype or shape than the program was compiled for.
bool captured(Entry *e, PyObject *list) {
  for (size_t i = 0; i < e->plan.size(); ++i) {
    const PlanItem &p = e->plan[i];
    if (p.kind != PlanItem::Captured && p.kind != PlanItem::Weak)
      continue;
    Held held;
    held.ref = p.obj;
    held.weak = p.kind == PlanItem::Weak;
    PyObject *t = Py_XNewRef(held.get());
    const Spec &spec = e->exe->in[i];
    if (t && matches(asTensor(t), spec)) {
      Py_DECREF(t);
      continue;
    }
    char buf[256];
    formatSpec(buf, sizeof buf, spec.dtype, spec.shape, spec.ndim);
    PyObject *name = t ? PyObject_GetAttrString(t, "name") : nullptr;
    PyErr_Clear();
    PyObject *now = t ? describeValue(t) : PyUnicode_FromString("gone");
    PyObject *text = !now                              ? nullptr
                     : name && PyUnicode_Check(name) ? PyUnicode_FromFormat("Parameter '%U': Tensor %s -> %U", name, buf, now)
                                                     : PyUnicode_FromFormat("a Tensor from outside: Tensor %s -> %U", buf, now);
    int r = text ? PyList_Append(list, text) : -1;
    Py_XDECREF(t);
    Py_XDECREF(name);
    Py_XDECREF(now);
    Py_XDECREF(text);
    if (r < 0)
      return false;
  }
  return true;
}

// A predicate reads slots as its own signature promises them, so it is asked only where the signature fits.
bool guards(Entry *e, PyObject *slots, bool predicates, PyObject *list) {
  for (size_t g = 0; g < e->guards.size(); ++g) {
    if (e->guards[g].kind == kPython && !predicates)
      continue;
    PyObject *text = describeGuard(e->guards[g], slots);
    int r = !text ? -1 : text == Py_None ? 0 : PyList_Append(list, text);
    Py_XDECREF(text);
    if (r < 0)
      return false;
  }
  return true;
}

} // namespace

PyObject *describeDifferences(Entry *e, const Signature &now, PyObject *slots, PyObject *names, int numSlots) {
  PyObject *list = PyList_New(0);
  if (!list)
    return nullptr;
  auto nameOf = [](int target) {
    int device = target % (2 * CG_GPU_ASCEND); // the rest is the chip and the settings (set_device)
    return device == kHost ? PyUnicode_FromString("CPU") : PyUnicode_FromFormat(isAscend(device) ? "Ascend:%d" : "GPU:%d", device % CG_GPU_ASCEND);
  };
  bool ok = true;
  if (e->signature->device != now.device) {
    PyObject *before = nameOf(e->signature->device), *after = nameOf(now.device);
    PyObject *text = before && after ? PyUnicode_FromFormat(PyUnicode_Compare(before, after) ? "device: %U -> %U" : "device: %U -> %U for another chip or with other settings", before, after) : nullptr;
    ok = text && PyList_Append(list, text) == 0;
    Py_XDECREF(before);
    Py_XDECREF(after);
    Py_XDECREF(text);
  }
  ok = ok && Comparison(*e->signature, now, list).run(names, numSlots);
  ok = ok && guards(e, slots, PyList_GET_SIZE(list) == 0, list) && captured(e, list);
  PyObject *tuple = ok ? PyList_AsTuple(list) : nullptr;
  Py_DECREF(list);
  return tuple;
}

} // namespace cg
