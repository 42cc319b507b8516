// EagerTable: compiled kernels of single operations, by operation, attributes, dtypes and shapes.
#include "dispatch.h"
#include <structmember.h>

namespace cg {

PyTypeObject *EagerTableType;

namespace {


using Table = EagerTable;

void drop(Kernel *k) {
  Py_DECREF(k->op);
  Py_DECREF(k->attrs);
  Py_DECREF(k->run);
  delete k;
}

void clearKernels(Table *t) {
  std::vector<Kernel *> all(64, nullptr);
  if (!t->slots)
    return;
  all.swap(*t->slots);
  t->used = 0;
  for (Kernel *k : all)
    if (k)
      drop(k);
}

void place(std::vector<Kernel *> &slots, Kernel *k) {
  size_t mask = slots.size() - 1, i = k->hash & mask;
  while (slots[i])
    i = (i + 1) & mask;
  slots[i] = k;
}

// -1: exception, 0: another kernel, 1: the same.
int sameKernel(const Kernel *k, uint64_t hash, PyObject *op, PyObject *attrs, TensorObject *const *in, size_t n) {
  if (k->hash != hash || k->device != currentTarget || k->specs.size() != n)
    return 0;
  for (size_t i = 0; i < n; ++i)
    if (!matches(in[i], k->specs[i]))
      return 0;
  if (k->op != op && PyUnicode_Compare(k->op, op) != 0)
    return 0;
  return sameKey(k->attrs, attrs);
}

PyObject *tupleOf(PyObject *const *items, Py_ssize_t n) {
  PyObject *t = PyTuple_New(n);
  for (Py_ssize_t i = 0; t && i < n; ++i)
    PyTuple_SET_ITEM(t, i, Py_NewRef(items[i]));
  return t;
}

PyObject *callPython(PyObject *fn, PyObject *op, PyObject *attrs, PyObject *const *tensors, Py_ssize_t n) {
  PyObject *tuple = tupleOf(tensors, n);
  PyObject *stack[] = {op, attrs, tuple};
  PyObject *r = tuple ? PyObject_Vectorcall(fn, stack, 3, nullptr) : nullptr;
  Py_XDECREF(tuple);
  return r;
}

PyObject *run(PyObject *kernel, PyObject *const *tensors, Py_ssize_t n) {
  return PyObject_Vectorcall(kernel, tensors, size_t(n), nullptr);
}

} // namespace

bool hashKernel(PyObject *op, PyObject *attrs, TensorObject *const *in, size_t n, uint64_t *out) {
  Py_hash_t opHash = PyObject_Hash(op), attrsHash = attrs == Py_None ? 0 : PyObject_Hash(attrs);
  if (opHash == -1 || (attrsHash == -1 && PyErr_Occurred()))
    return false;
  uint64_t hash = mix(mix(uint64_t(opHash), uint64_t(attrsHash)), uint64_t(currentTarget));
  for (size_t i = 0; i < n; ++i) {
    hash = mix(hash, uint64_t(in[i]->dtype) << 8 | in[i]->ndim);
    for (int d = 0; d < in[i]->ndim; ++d)
      hash = mix(hash, uint64_t(in[i]->shape[d]));
  }
  *out = hash ^ hash >> 32;
  return true;
}

PyObject *findKernel(EagerTable *t, PyObject *op, PyObject *attrs, TensorObject *const *in, size_t n, uint64_t hash) {
  size_t mask = t->slots->size() - 1;
  for (size_t i = hash & mask; Kernel *k = (*t->slots)[i]; i = (i + 1) & mask) {
    int same = sameKernel(k, hash, op, attrs, in, n);
    if (same < 0)
      return nullptr;
    if (same) {
      ++t->hits;
      return Py_NewRef(k->run);
    }
  }
  return nullptr;
}

namespace {

PyObject *call(PyObject *self, PyObject *const *args, size_t nargsf, PyObject *kwnames) {
  auto *t = reinterpret_cast<Table *>(self);
  Py_ssize_t nargs = PyVectorcall_NARGS(nargsf), n = nargs - 2;
  if (n < 0 || (kwnames && PyTuple_GET_SIZE(kwnames)) || !PyUnicode_Check(args[0])) {
    PyErr_SetString(PyExc_TypeError, "an eager operation is called as table(op: str, attrs, *tensors)");
    return nullptr;
  }
  PyObject *op = args[0], *attrs = args[1];
  PyObject *const *tensors = args + 2;
  bool trace = captureDepth > 0;
  for (Py_ssize_t i = 0; i < n; ++i) {
    if (!isTensor(tensors[i])) {
      PyErr_Format(PyExc_TypeError, "%U: operand %zd must be a Tensor, got %.200s", op, i, Py_TYPE(tensors[i])->tp_name);
      return nullptr;
    }
    trace |= asTensor(tensors[i])->node != nullptr;
  }
  if (trace && t->traced != Py_None)
    return callPython(t->traced, op, attrs, tensors, n);
  auto *in = reinterpret_cast<TensorObject *const *>(tensors);
  uint64_t hash;
  if (!hashKernel(op, attrs, in, size_t(n), &hash))
    return nullptr;
  if (PyObject *kernel = findKernel(t, op, attrs, in, size_t(n), hash)) {
    PyObject *r = run(kernel, tensors, n);
    Py_DECREF(kernel);
    return r;
  }
  if (PyErr_Occurred())
    return nullptr;
  ++t->misses;
  PyObject *kernel = callPython(t->compile, op, attrs, tensors, n);
  if (!kernel)
    return nullptr;
  if (!PyCallable_Check(kernel)) {
    PyErr_Format(PyExc_TypeError, "compiling %U gave %.200s, not an Executable or callable", op, Py_TYPE(kernel)->tp_name);
    Py_DECREF(kernel);
    return nullptr;
  }
  if (t->used >= t->limit)
    clearKernels(t); // shapes that never come back would fill memory
  if (t->used * 2 >= t->slots->size()) {
    std::vector<Kernel *> larger(t->slots->size() * 2, nullptr);
    for (Kernel *k : *t->slots)
      if (k)
        place(larger, k);
    t->slots->swap(larger);
  }
  auto *k = new Kernel{Py_NewRef(op), Py_NewRef(attrs), Py_NewRef(kernel), hash, currentTarget, {}};
  for (Py_ssize_t i = 0; i < n; ++i)
    k->specs.push_back(specOf(in[i]));
  place(*t->slots, k);
  ++t->used;
  PyObject *r = run(kernel, tensors, n);
  Py_DECREF(kernel);
  return r;
}

PyObject *create(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
  static const char *keywords[] = {"compile", "traced", "limit", nullptr};
  PyObject *compile, *traced = Py_None;
  Py_ssize_t limit = 8192;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|On", const_cast<char **>(keywords), &compile, &traced, &limit))
    return nullptr;
  auto *t = reinterpret_cast<Table *>(type->tp_alloc(type, 0));
  if (!t)
    return nullptr;
  t->vectorcall = call;
  t->compile = Py_NewRef(compile);
  t->traced = Py_NewRef(traced);
  t->slots = new std::vector<Kernel *>(64, nullptr);
  t->limit = limit > 0 ? size_t(limit) : 1;
  return reinterpret_cast<PyObject *>(t);
}

int traverse(PyObject *self, visitproc visit, void *arg) {
  auto *t = reinterpret_cast<Table *>(self);
  Py_VISIT(t->compile);
  Py_VISIT(t->traced);
  for (Kernel *k : *t->slots)
    if (k)
      Py_VISIT(k->run);
  Py_VISIT(Py_TYPE(self));
  return 0;
}
PyObject *gone(PyObject *, PyObject *const *, size_t, PyObject *) {
  PyErr_SetString(PyExc_RuntimeError, "the table is being destroyed");
  return nullptr;
}
int clear(PyObject *self) {
  auto *t = reinterpret_cast<Table *>(self);
  t->vectorcall = gone; // a finaliser may still call
  clearKernels(t);
  Py_CLEAR(t->compile);
  Py_CLEAR(t->traced);
  return 0;
}
void dealloc(PyObject *self) {
  auto *t = reinterpret_cast<Table *>(self);
  PyTypeObject *type = Py_TYPE(self);
  PyObject_GC_UnTrack(self);
  clear(self);
  delete t->slots;
  type->tp_free(self);
  Py_DECREF(type);
}

PyObject *clearTable(PyObject *self, PyObject *) {
  clearKernels(reinterpret_cast<Table *>(self));
  Py_RETURN_NONE;
}
PyObject *stats(PyObject *self, PyObject *) {
  auto *t = reinterpret_cast<Table *>(self);
  return Py_BuildValue("{s:K,s:K,s:n}", "hits", t->hits, "misses", t->misses, "entries", Py_ssize_t(t->used));
}
Py_ssize_t length(PyObject *self) { return Py_ssize_t(reinterpret_cast<Table *>(self)->used); }

} // namespace

bool initEagerType(PyObject *module) {
  static PyMemberDef members[] = {{"__vectorcalloffset__", T_PYSSIZET, offsetof(Table, vectorcall), READONLY, nullptr}, {}};
  static PyMethodDef methods[] = {{"clear", clearTable, METH_NOARGS, "Forget all kernels."},
                                  {"stats", stats, METH_NOARGS, "dict of hits, misses and the number of kernels."},
                                  {}};
  static PyType_Slot slots[] = {{Py_tp_new, reinterpret_cast<void *>(create)},
                                {Py_tp_dealloc, reinterpret_cast<void *>(dealloc)},
                                {Py_tp_traverse, reinterpret_cast<void *>(traverse)},
                                {Py_tp_clear, reinterpret_cast<void *>(clear)},
                                {Py_tp_call, reinterpret_cast<void *>(PyVectorcall_Call)},
                                {Py_sq_length, reinterpret_cast<void *>(length)},
                                {Py_tp_members, members},
                                {Py_tp_methods, methods},
                                {Py_tp_doc, const_cast<char *>("Compiled kernels of single operations. See docs/design/call-path.md.")},
                                {}};
  static PyType_Spec spec = {"cellgrad._runtime._core.EagerTable", sizeof(Table), 0,
                             Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL, slots};
  EagerTableType = reinterpret_cast<PyTypeObject *>(PyType_FromSpec(&spec));
  return EagerTableType && PyModule_AddObjectRef(module, "EagerTable", reinterpret_cast<PyObject *>(EagerTableType)) == 0;
}

} // namespace cg
