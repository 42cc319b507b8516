// Entries of a Dispatcher: what to gather, what to run, what to return and what to write back.
#include "dispatch.h"

namespace cg {

void Entry::release() {
  if (--refs)
    return;
  if (signature)
    signature->release();
  Py_XDECREF(exe);
  for (PlanItem &p : plan)
    Py_XDECREF(p.obj);
  auto drop = [](Template &t) {
    for (TemplateOp &op : t)
      Py_XDECREF(op.obj);
  };
  drop(result);
  for (Guard &g : guards)
    g.clear();
  for (Write &w : writes) {
    Py_XDECREF(w.object);
    Py_XDECREF(w.key);
    drop(w.value);
  }
  Py_XDECREF(tag);
  delete this;
}

int Entry::visit(visitproc visit, void *arg) const {
  if (refs > 1) // in use by a running call, whose reference the collector does not know
    return 0;
  int r = signature->refs > 1 ? 0 : signature->visit(visit, arg);
  if (r)
    return r;
  Py_VISIT(exe);
  for (const PlanItem &p : plan)
    Py_VISIT(p.obj);
  for (const TemplateOp &op : result)
    Py_VISIT(op.obj);
  for (const Guard &g : guards)
    if ((r = g.visit(visit, arg)))
      return r;
  for (const Write &w : writes) {
    Py_VISIT(w.object);
    Py_VISIT(w.key);
    for (const TemplateOp &op : w.value)
      Py_VISIT(op.obj);
  }
  Py_VISIT(tag);
  return 0;
}

static bool parsePlan(Entry *e, PyObject *plan) {
  PyObject *seq = PySequence_Fast(plan, "plan must be a sequence");
  if (!seq)
    return false;
  Py_ssize_t n = PySequence_Fast_GET_SIZE(seq);
  bool ok = true;
  for (Py_ssize_t i = 0; ok && i < n; ++i) {
    PyObject *item = PySequence_Fast_GET_ITEM(seq, i);
    PlanItem p = {PlanItem::Leaf, -1, nullptr};
    if (isTensor(item)) {
      p = {PlanItem::Captured, -1, Py_NewRef(item)};
    } else if (PyWeakref_CheckRef(item)) {
      p = {PlanItem::Weak, -1, Py_NewRef(item)};
    } else if (PyLong_Check(item)) {
      p.leaf = int32_t(PyLong_AsLong(item));
      ok = p.leaf >= 0 && p.leaf < e->signature->numLeaves;
    } else if (PyCallable_Check(item)) {
      p = {PlanItem::Call, -1, Py_NewRef(item)};
    } else {
      ok = false;
    }
    if (ok)
      e->plan.push_back(p);
    else if (!PyErr_Occurred())
      PyErr_Format(PyExc_ValueError, "item %zd of the plan, %R, is not one of the %d leaves, a Tensor or a callable", i, item,
                   e->signature->numLeaves);
  }
  Py_DECREF(seq);
  int want = e->exe ? e->exe->nIn : 0;
  if (ok && int(e->plan.size()) != want) {
    PyErr_Format(PyExc_ValueError, "the plan has %zd items, the executable takes %d inputs", Py_ssize_t(e->plan.size()), want);
    ok = false;
  }
  return ok;
}

static bool parseWrites(Entry *e, PyObject *writes, int numOut, int numSlots) {
  PyObject *seq = PySequence_Fast(writes, "writes must be a sequence");
  if (!seq)
    return false;
  bool ok = true;
  for (Py_ssize_t i = 0; ok && i < PySequence_Fast_GET_SIZE(seq); ++i) {
    const char *kind;
    PyObject *object, *key, *value;
    Write w;
    ok = PyArg_ParseTuple(PySequence_Fast_GET_ITEM(seq, i), "sOOO;a write is (kind, object, key, template)", &kind, &object, &key, &value);
    if (!ok)
      break;
    w.attribute = !strcmp(kind, "setattr");
    if (!w.attribute && strcmp(kind, "setitem")) {
      PyErr_Format(PyExc_ValueError, "a write is 'setattr' or 'setitem', got '%s'", kind);
      ok = false;
      break;
    }
    w.object = Py_NewRef(object);
    w.key = Py_NewRef(key);
    ok = parseTemplate(value, &w.value, numOut, e->signature->numLeaves, numSlots);
    e->writes.push_back(w);
  }
  Py_DECREF(seq);
  return ok;
}

Entry *makeEntry(Signature *signature, int numSlots, PyObject *exe, PyObject *plan, PyObject *tmpl, PyObject *guards, PyObject *writes,
                 PyObject *tag) {
  if (exe != Py_None && Py_TYPE(exe) != ExecutableType) {
    PyErr_Format(PyExc_TypeError, "add_entry takes an Executable or None, got %.200s", Py_TYPE(exe)->tp_name);
    return nullptr;
  }
  auto *e = new Entry();
  ++signature->refs;
  e->signature = signature;
  e->exe = exe == Py_None ? nullptr : reinterpret_cast<Executable *>(Py_NewRef(exe));
  e->tag = Py_NewRef(tag);
  int numOut = e->exe ? e->exe->nFree : 0;
  bool ok = parsePlan(e, plan) && parseTemplate(tmpl, &e->result, numOut, signature->numLeaves, numSlots) &&
            parseWrites(e, writes, numOut, numSlots);
  PyObject *seq = ok ? PySequence_Fast(guards, "guards must be a sequence") : nullptr;
  ok = seq;
  for (Py_ssize_t i = 0; ok && i < PySequence_Fast_GET_SIZE(seq); ++i) {
    e->guards.emplace_back();
    ok = parseGuard(PySequence_Fast_GET_ITEM(seq, i), &e->guards.back());
    e->needsSlots |= ok && e->guards.back().kind == kPython;
  }
  Py_XDECREF(seq);
  if (!ok) {
    e->release();
    return nullptr;
  }
  return e;
}

static bool doWrites(Entry *e, TensorObject *const *outs, TensorObject *const *leaves, PyObject *const *slots) {
  for (const Write &w : e->writes) {
    PyObject *value = buildTemplate(w.value, outs, leaves, slots);
    int r = !value ? -1 : w.attribute ? PyObject_SetAttr(w.object, w.key, value) : PyObject_SetItem(w.object, w.key, value);
    Py_XDECREF(value);
    if (r < 0)
      return false;
  }
  return true;
}

PyObject *runEntry(Entry *e, TensorObject *const *leaves, PyObject *const *slots, bool must) {
  Executable *exe = e->exe;
  if (!exe) {
    PyObject *result = buildTemplate(e->result, nullptr, leaves, slots);
    if (result && !doWrites(e, nullptr, leaves, slots))
      Py_CLEAR(result);
    if (result)
      ++e->hits;
    return result;
  }
  constexpr int kInline = 64;
  TensorObject *inlineTensors[kInline], **in = inlineTensors;
  int nIn = exe->nIn, total = nIn + exe->nFree, made = 0;
  if (total > kInline && !(in = static_cast<TensorObject **>(PyMem_Malloc(sizeof(TensorObject *) * size_t(total)))))
    return PyErr_NoMemory();
  TensorObject **outs = in + nIn;
  bool ok = true, stale = false;
  int held = 0; // inputs with a reference of ours; weak and called ones need one, so all have one
  for (; held < nIn && ok; ++held) {
    const PlanItem &p = e->plan[size_t(held)];
    PyObject *t;
    switch (p.kind) {
    case PlanItem::Leaf: t = Py_NewRef(reinterpret_cast<PyObject *>(leaves[p.leaf])); break;
    case PlanItem::Captured: t = Py_NewRef(p.obj); break;
    case PlanItem::Weak: {
      Held h;
      h.ref = p.obj;
      h.weak = true;
      t = Py_XNewRef(h.get());
      stale |= !t;
      break;
    }
    default: t = PyObject_CallNoArgs(p.obj); break;
    }
    if (t && !isTensor(t)) {
      PyErr_Format(PyExc_TypeError, "input %d of a compiled program must be a Tensor, got %.200s", held, Py_TYPE(t)->tp_name);
      Py_CLEAR(t);
    }
    if (!t) {
      ok = false;
      break;
    }
    in[held] = asTensor(t);
  }
  if (ok && !checkInputs(exe, in, must)) {
    stale = true;
    ok = false;
  }
  if (stale && must && !PyErr_Occurred())
    PyErr_SetString(PyExc_RuntimeError, "a captured Tensor of this entry is gone");
  PyObject *result = nullptr;
  if (ok && runExecutable(exe, in, outs)) {
    made = exe->nFree;
    ++e->hits;
    if (e->result.size() == 1 && e->result[0].kind == TemplateOp::Out && made == 1 && e->writes.empty()) {
      result = reinterpret_cast<PyObject *>(outs[0]);
      made = 0;
    } else {
      result = buildTemplate(e->result, outs, leaves, slots);
      if (result && !e->writes.empty() && !doWrites(e, outs, leaves, slots))
        Py_CLEAR(result);
    }
  }
  for (int i = 0; i < held; ++i)
    Py_DECREF(in[i]);
  for (int i = 0; i < made; ++i)
    Py_DECREF(outs[i]);
  if (in != inlineTensors)
    PyMem_Free(in);
  return result;
}

} // namespace cg
