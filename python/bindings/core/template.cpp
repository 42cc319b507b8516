// Result templates: the structure of a call's result, compiled to a flat program.
#include "dispatch.h"
#include <structmember.h>

namespace cg {

namespace {

struct Ref {
  PyObject_HEAD
  TemplateOp::Kind kind;
  int32_t index;
  PyObject *value; // of Const
};
PyTypeObject *refType;

PyObject *makeRef(TemplateOp::Kind kind, PyObject *index, PyObject *value) {
  long i = index ? PyLong_AsLong(index) : 0;
  if (index && (i < 0 || i > INT32_MAX)) {
    if (!PyErr_Occurred())
      PyErr_SetString(PyExc_ValueError, "the index must not be negative");
    return nullptr;
  }
  auto *r = reinterpret_cast<Ref *>(refType->tp_alloc(refType, 0));
  if (r) {
    r->kind = kind;
    r->index = int32_t(i);
    r->value = Py_XNewRef(value);
  }
  return reinterpret_cast<PyObject *>(r);
}
PyObject *makeOut(PyObject *, PyObject *i) { return makeRef(TemplateOp::Out, i, nullptr); }
PyObject *makeIn(PyObject *, PyObject *i) { return makeRef(TemplateOp::In, i, nullptr); }
PyObject *makeSlot(PyObject *, PyObject *i) { return makeRef(TemplateOp::Slot, i, nullptr); }
PyObject *makeConst(PyObject *, PyObject *o) { return makeRef(TemplateOp::Const, nullptr, o); }

void refDealloc(PyObject *self) {
  PyTypeObject *type = Py_TYPE(self);
  Py_XDECREF(reinterpret_cast<Ref *>(self)->value);
  type->tp_free(self);
  Py_DECREF(type);
}
const char *kindName(const Ref *r) {
  return r->kind == TemplateOp::Out ? "Out" : r->kind == TemplateOp::In ? "In" : r->kind == TemplateOp::Slot ? "Slot" : "Const";
}
PyObject *refRepr(PyObject *self) {
  auto *r = reinterpret_cast<Ref *>(self);
  return r->value ? PyUnicode_FromFormat("Const(%R)", r->value) : PyUnicode_FromFormat("%s(%d)", kindName(r), r->index);
}
PyObject *refKind(PyObject *self, void *) { return PyUnicode_FromString(kindName(reinterpret_cast<Ref *>(self))); }

PyObject *build(const Template &t, size_t &at, TensorObject *const *outs, TensorObject *const *leaves, PyObject *const *slots) {
  const TemplateOp &op = t[at++];
  switch (op.kind) {
  case TemplateOp::Out: return Py_NewRef(reinterpret_cast<PyObject *>(outs[op.n]));
  case TemplateOp::In: return Py_NewRef(reinterpret_cast<PyObject *>(leaves[op.n]));
  case TemplateOp::Slot: return Py_NewRef(slots[op.n]);
  case TemplateOp::Const: return Py_NewRef(op.obj);
  case TemplateOp::List:
  case TemplateOp::Tuple:
  case TemplateOp::Named: {
    PyObject *seq = op.kind == TemplateOp::List ? PyList_New(op.n) : PyTuple_New(op.n);
    for (int32_t i = 0; seq && i < op.n; ++i) {
      PyObject *item = build(t, at, outs, leaves, slots);
      if (!item)
        Py_CLEAR(seq);
      else if (op.kind == TemplateOp::List)
        PyList_SET_ITEM(seq, i, item);
      else
        PyTuple_SET_ITEM(seq, i, item);
    }
    if (!seq || op.kind != TemplateOp::Named)
      return seq;
    // A namedtuple takes its fields one by one, other subclasses of tuple and list one sequence.
    bool fields = PyObject_HasAttrString(op.obj, "_fields");
    PyObject *result = fields ? PyObject_Call(op.obj, seq, nullptr) : PyObject_CallOneArg(op.obj, seq);
    Py_DECREF(seq);
    return result;
  }
  case TemplateOp::Dict: {
    PyObject *cls = PyTuple_GET_ITEM(op.obj, 0);
    PyObject *dict = cls == reinterpret_cast<PyObject *>(&PyDict_Type) ? PyDict_New() : PyObject_CallNoArgs(cls);
    for (int32_t i = 0; dict && i < op.n; ++i) {
      PyObject *item = build(t, at, outs, leaves, slots);
      if (!item || PyObject_SetItem(dict, PyTuple_GET_ITEM(op.obj, i + 1), item) < 0)
        Py_CLEAR(dict);
      Py_XDECREF(item);
    }
    return dict;
  }
  }
  return nullptr;
}

bool parse(PyObject *o, Template *out, int numOut, int numLeaves, int numSlots) {
  if (Py_TYPE(o) == refType) {
    auto *r = reinterpret_cast<Ref *>(o);
    int limit = r->kind == TemplateOp::Out ? numOut : r->kind == TemplateOp::In ? numLeaves : numSlots;
    if (r->kind != TemplateOp::Const && r->index >= limit) {
      PyErr_Format(PyExc_ValueError, "the result refers to %R, but there are %d", o, limit);
      return false;
    }
    out->push_back({r->kind, r->index, Py_XNewRef(r->value)});
    return true;
  }
  bool tuple = PyTuple_Check(o), list = PyList_Check(o);
  if (tuple || list) {
    Py_ssize_t n = PySequence_Fast_GET_SIZE(o);
    bool exact = PyTuple_CheckExact(o) || PyList_CheckExact(o);
    TemplateOp::Kind kind = !exact ? TemplateOp::Named : tuple ? TemplateOp::Tuple : TemplateOp::List;
    out->push_back({kind, int32_t(n), exact ? nullptr : Py_NewRef(reinterpret_cast<PyObject *>(Py_TYPE(o)))});
    for (Py_ssize_t i = 0; i < n; ++i)
      if (!parseTemplate(PySequence_Fast_GET_ITEM(o, i), out, numOut, numLeaves, numSlots))
        return false;
    return true;
  }
  if (PyDict_Check(o)) {
    PyObject *keys = PyTuple_New(PyDict_GET_SIZE(o) + 1), *key, *value;
    if (!keys)
      return false;
    PyTuple_SET_ITEM(keys, 0, Py_NewRef(reinterpret_cast<PyObject *>(Py_TYPE(o))));
    out->push_back({TemplateOp::Dict, int32_t(PyDict_GET_SIZE(o)), keys});
    Py_ssize_t at = 0;
    for (Py_ssize_t i = 1; PyDict_Next(o, &at, &key, &value); ++i) {
      PyTuple_SET_ITEM(keys, i, Py_NewRef(key));
      if (!parseTemplate(value, out, numOut, numLeaves, numSlots))
        return false;
    }
    return true;
  }
  out->push_back({TemplateOp::Const, 0, Py_NewRef(o)});
  return true;
}

} // namespace

bool parseTemplate(PyObject *o, Template *out, int numOut, int numLeaves, int numSlots) {
  if (Py_EnterRecursiveCall(" while reading the structure of a result"))
    return false;
  bool ok = parse(o, out, numOut, numLeaves, numSlots);
  Py_LeaveRecursiveCall();
  return ok;
}

PyObject *buildTemplate(const Template &t, TensorObject *const *outs, TensorObject *const *leaves, PyObject *const *slots) {
  size_t at = 0;
  return build(t, at, outs, leaves, slots);
}

bool initTemplateTypes(PyObject *module) {
  static PyMemberDef members[] = {{"index", T_INT, offsetof(Ref, index), READONLY, "which output, leaf or slot"},
                                  {"value", T_OBJECT, offsetof(Ref, value), READONLY, "the object of a Const"},
                                  {}};
  static PyGetSetDef getset[] = {{"kind", refKind, nullptr, "'Out', 'In', 'Slot' or 'Const'", nullptr}, {}};
  static PyType_Slot slots[] = {{Py_tp_dealloc, reinterpret_cast<void *>(refDealloc)},
                                {Py_tp_repr, reinterpret_cast<void *>(refRepr)},
                                {Py_tp_members, members},
                                {Py_tp_getset, getset},
                                {Py_tp_doc, const_cast<char *>("A place in a result template; made by Out, In, Slot and Const.")},
                                {}};
  static PyType_Spec spec = {"cellgrad._runtime._core.TemplateRef", sizeof(Ref), 0,
                             Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};
  static PyMethodDef functions[] = {{"Out", makeOut, METH_O, "Out(i): output i of the executable that is not tied."},
                                    {"In", makeIn, METH_O, "In(k): leaf k of the call, as it is."},
                                    {"Slot", makeSlot, METH_O, "Slot(i): the value of slot i."},
                                    {"Const", makeConst, METH_O, "Const(obj): obj itself, whatever it is."},
                                    {}};
  refType = reinterpret_cast<PyTypeObject *>(PyType_FromSpec(&spec));
  return refType && PyModule_AddObjectRef(module, "TemplateRef", reinterpret_cast<PyObject *>(refType)) == 0 &&
         PyModule_AddFunctions(module, functions) == 0;
}

} // namespace cg
