// BinaryOp: an operator of Tensor (`__mul__` and its kind). Where the kernel for the operands exists it runs without any Python
// code; everything else (captures, promotion never seen before, foreign operands, errors) goes to a Python function.
#include "dispatch.h"
#include <structmember.h>

namespace cg {

namespace {

struct BinaryOp {
  PyObject_HEAD
  vectorcallfunc vectorcall;
  EagerTable *table;
  PyObject *name, *mixedName, *fallback, *doc;
  bool reflected;
};
PyTypeObject *opType;

// The 0-d Tensor that a Python number becomes beside a Tensor, by the rules of dtype.py (promote_scalar); a new reference.
// Null without an exception: not a number, or one that does not fit.
TensorObject *numberBeside(PyObject *value, const TensorObject *t) {
  int dtype;
  if (PyFloat_CheckExact(value))
    dtype = t->dtype >= F16 ? int(t->dtype) : int(F32);
  else if (PyLong_CheckExact(value))
    dtype = t->dtype == Bool ? int(I64) : int(t->dtype);
  else
    return nullptr;
  Spec spec = {};
  spec.dtype = uint8_t(dtype);
  spec.numel = 1;
  spec.nbytes = dtypeInfo[dtype].itemsize;
  TensorObject *s = newTensorData(TensorClass, spec);
  if (s && !storeScalar(dataOf(s), dtype, value)) {
    PyErr_Clear();
    Py_CLEAR(s);
  }
  return s;
}

bool plain(const TensorObject *t) { return !t->node && t->storage; }

// The result, or null: not this way (unless an exception is set).
PyObject *fast(BinaryOp *self, PyObject *a, PyObject *b) {
  bool ta = isTensor(a), tb = isTensor(b);
  if (captureDepth > 0 || (!ta && !tb) || (ta && !plain(asTensor(a))) || (tb && !plain(asTensor(b))))
    return nullptr;
  TensorObject *number = nullptr;
  if (!ta || !tb) {
    if (!(number = numberBeside(ta ? b : a, asTensor(ta ? a : b))))
      return nullptr;
    (ta ? b : a) = reinterpret_cast<PyObject *>(number);
  }
  TensorObject *in[] = {asTensor(a), asTensor(b)};
  bool alike = !number && in[0]->dtype == in[1]->dtype && in[0]->dtype >= F16 && in[0]->ndim == in[1]->ndim &&
               memcmp(in[0]->shape, in[1]->shape, sizeof(int64_t) * in[0]->ndim) == 0;
  PyObject *name = alike ? self->name : self->mixedName, *result = nullptr;
  uint64_t hash;
  PyObject *kernel = hashKernel(name, Py_None, in, 2, &hash) ? findKernel(self->table, name, Py_None, in, 2, hash) : nullptr;
  if (kernel) {
    PyObject *stack[] = {a, b};
    result = PyObject_Vectorcall(kernel, stack, 2, nullptr);
    Py_DECREF(kernel);
  }
  Py_XDECREF(number);
  return result;
}

PyObject *call(PyObject *o, PyObject *const *args, size_t nargsf, PyObject *kwnames) {
  auto *self = reinterpret_cast<BinaryOp *>(o);
  if (PyVectorcall_NARGS(nargsf) != 2 || (kwnames && PyTuple_GET_SIZE(kwnames))) {
    PyErr_Format(PyExc_TypeError, "%U takes two operands", self->name);
    return nullptr;
  }
  PyObject *stack[] = {args[self->reflected], args[!self->reflected]};
  PyObject *result = fast(self, stack[0], stack[1]);
  return result || PyErr_Occurred() ? result : PyObject_Vectorcall(self->fallback, stack, 2, nullptr);
}

PyObject *create(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
  static const char *keywords[] = {"table", "name", "mixed_name", "fallback", "reflected", "doc", nullptr};
  PyObject *table, *name, *mixed, *fallback, *doc = Py_None;
  int reflected = 0;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!UUO|pO", const_cast<char **>(keywords), EagerTableType, &table, &name, &mixed, &fallback,
                                   &reflected, &doc))
    return nullptr;
  auto *self = reinterpret_cast<BinaryOp *>(type->tp_alloc(type, 0));
  if (!self)
    return nullptr;
  self->vectorcall = call;
  self->table = reinterpret_cast<EagerTable *>(Py_NewRef(table));
  self->name = Py_NewRef(name);
  self->mixedName = Py_NewRef(mixed);
  self->fallback = Py_NewRef(fallback);
  self->doc = Py_NewRef(doc);
  self->reflected = reflected;
  return reinterpret_cast<PyObject *>(self);
}

int traverse(PyObject *o, visitproc visit, void *arg) {
  auto *self = reinterpret_cast<BinaryOp *>(o);
  Py_VISIT(self->table);
  Py_VISIT(self->fallback);
  Py_VISIT(Py_TYPE(o));
  return 0;
}
PyObject *gone(PyObject *, PyObject *const *, size_t, PyObject *) {
  PyErr_SetString(PyExc_RuntimeError, "the operator is being destroyed");
  return nullptr;
}
int clear(PyObject *o) {
  auto *self = reinterpret_cast<BinaryOp *>(o);
  self->vectorcall = gone; // a finaliser may still call
  Py_CLEAR(self->table);
  Py_CLEAR(self->fallback);
  return 0;
}
void dealloc(PyObject *o) {
  auto *self = reinterpret_cast<BinaryOp *>(o);
  PyTypeObject *type = Py_TYPE(o);
  PyObject_GC_UnTrack(o);
  clear(o);
  Py_CLEAR(self->name);
  Py_CLEAR(self->mixedName);
  Py_CLEAR(self->doc);
  type->tp_free(o);
  Py_DECREF(type);
}
PyObject *descrGet(PyObject *self, PyObject *obj, PyObject *) {
  return obj && obj != Py_None ? PyMethod_New(self, obj) : Py_NewRef(self);
}
PyObject *repr(PyObject *o) { return PyUnicode_FromFormat("<operator %U of Tensors>", reinterpret_cast<BinaryOp *>(o)->name); }

} // namespace

bool initOperatorType(PyObject *module) {
  static PyMemberDef members[] = {{"__vectorcalloffset__", T_PYSSIZET, offsetof(BinaryOp, vectorcall), READONLY, nullptr},
                                  {"__name__", T_OBJECT, offsetof(BinaryOp, name), READONLY, nullptr},
                                  {"__doc__", T_OBJECT, offsetof(BinaryOp, doc), READONLY, nullptr},
                                  {"__wrapped__", T_OBJECT, offsetof(BinaryOp, fallback), READONLY, nullptr},
                                  {}};
  static PyType_Slot slots[] = {{Py_tp_new, reinterpret_cast<void *>(create)},
                                {Py_tp_dealloc, reinterpret_cast<void *>(dealloc)},
                                {Py_tp_traverse, reinterpret_cast<void *>(traverse)},
                                {Py_tp_clear, reinterpret_cast<void *>(clear)},
                                {Py_tp_call, reinterpret_cast<void *>(PyVectorcall_Call)},
                                {Py_tp_descr_get, reinterpret_cast<void *>(descrGet)},
                                {Py_tp_repr, reinterpret_cast<void *>(repr)},
                                {Py_tp_members, members},
                                {}};
  static PyType_Spec spec = {"cellgrad._runtime._core.BinaryOp", sizeof(BinaryOp), 0,
                             Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_METHOD_DESCRIPTOR, slots};
  opType = reinterpret_cast<PyTypeObject *>(PyType_FromSpec(&spec));
  return opType && PyModule_AddObjectRef(module, "BinaryOp", reinterpret_cast<PyObject *>(opType)) == 0;
}

} // namespace cg
