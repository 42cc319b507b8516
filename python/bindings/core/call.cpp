// Binding arguments to slots, and the Call object that a slow path gets.
#include "dispatch.h"
#include <structmember.h>

namespace cg {

PyTypeObject *CallType;
PyObject *missingObject;

Bound::~Bound() {
  if (slots != inlineSlots)
    PyMem_Free(slots);
  if (extraNames != inlineNames)
    PyMem_Free(extraNames);
}

static int slotNamed(const Dispatcher *d, PyObject *name) {
  for (int i = 0; i < d->numSlots; ++i)
    if (PyTuple_GET_ITEM(d->names, i) == name) // names are interned
      return i;
  for (int i = 0; i < d->numSlots; ++i)
    if (PyUnicode_Compare(PyTuple_GET_ITEM(d->names, i), name) == 0)
      return i;
  return -1;
}

int Bound::bind(const Dispatcher *d, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
  Py_ssize_t nkw = kwnames ? PyTuple_GET_SIZE(kwnames) : 0;
  int positional = nargs < d->numPositional ? int(nargs) : d->numPositional;
  if (nargs > positional && !d->varargs)
    return 0;
  Py_ssize_t most = d->numSlots + nargs + nkw;
  if (most > Py_ssize_t(sizeof(inlineSlots) / sizeof(PyObject *)) &&
      !(slots = static_cast<PyObject **>(PyMem_Malloc(sizeof(PyObject *) * size_t(most))))) {
    slots = inlineSlots;
    PyErr_NoMemory();
    return -1;
  }
  if (nkw > Py_ssize_t(sizeof(inlineNames) / sizeof(PyObject *)) &&
      !(extraNames = static_cast<PyObject **>(PyMem_Malloc(sizeof(PyObject *) * size_t(nkw))))) {
    extraNames = inlineNames;
    PyErr_NoMemory();
    return -1;
  }
  count = d->numSlots;
  for (int i = 0; i < count; ++i)
    slots[i] = i < positional ? args[i] : missingObject;
  for (Py_ssize_t i = positional; i < nargs; ++i)
    slots[count++] = args[i];
  for (Py_ssize_t k = 0; k < nkw; ++k) {
    PyObject *name = PyTuple_GET_ITEM(kwnames, k);
    int at = slotNamed(d, name);
    if (at >= 0 && slots[at] != missingObject)
      return 0;
    if (at >= 0) {
      slots[at] = args[nargs + k];
    } else if (d->varkw) {
      extraNames[numExtraNames++] = name;
      slots[count++] = args[nargs + k];
    } else {
      return 0;
    }
  }
  return 1;
}

PyObject *Bound::tuple() const {
  PyObject *t = PyTuple_New(count);
  for (int i = 0; t && i < count; ++i)
    PyTuple_SET_ITEM(t, i, Py_NewRef(slots[i]));
  return t;
}

static PyObject *tupleOf(PyObject *const *items, Py_ssize_t n) {
  PyObject *t = PyTuple_New(n);
  for (Py_ssize_t i = 0; t && i < n; ++i)
    PyTuple_SET_ITEM(t, i, Py_NewRef(items[i]));
  return t;
}

Call *newCall(Dispatcher *d, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames, const Bound *bound, const Flat *flat) {
  auto *c = reinterpret_cast<Call *>(CallType->tp_alloc(CallType, 0));
  if (!c)
    return nullptr;
  c->owner = reinterpret_cast<Dispatcher *>(Py_NewRef(reinterpret_cast<PyObject *>(d)));
  c->args = tupleOf(args, nargs);
  c->kwargs = PyDict_New();
  c->slots = bound ? bound->tuple() : Py_NewRef(Py_None);
  c->leaves = flat ? tupleOf(reinterpret_cast<PyObject *const *>(flat->leaves), flat->numLeaves) : PyTuple_New(0);
  c->extraNames = bound ? tupleOf(bound->extraNames, bound->numExtraNames) : PyTuple_New(0);
  bool ok = c->args && c->kwargs && c->slots && c->leaves && c->extraNames;
  for (Py_ssize_t k = 0; ok && kwnames && k < PyTuple_GET_SIZE(kwnames); ++k)
    ok = PyDict_SetItem(c->kwargs, PyTuple_GET_ITEM(kwnames, k), args[nargs + k]) == 0;
  if (ok && flat)
    c->signature = Signature::from(*flat);
  if (!ok)
    Py_CLEAR(c);
  return c;
}

static PyObject *explain(PyObject *self, PyObject *) {
  auto *c = reinterpret_cast<Call *>(self);
  PyObject *list = PyList_New(0);
  if (!list || !c->signature)
    return list;
  // Guards may run Python code that changes the table, so it is read by index with each entry held.
  for (size_t i = 0; i < c->owner->entries->size(); ++i) {
    Entry *e = (*c->owner->entries)[i];
    ++e->refs;
    PyObject *texts = describeDifferences(e, *c->signature, c->slots, c->owner->names, c->owner->numSlots);
    e->release();
    int r = texts ? PyList_Append(list, texts) : -1;
    Py_XDECREF(texts);
    if (r < 0) {
      Py_DECREF(list);
      return nullptr;
    }
  }
  return list;
}

static int traverse(PyObject *self, visitproc visit, void *arg) {
  auto *c = reinterpret_cast<Call *>(self);
  Py_VISIT(c->owner);
  Py_VISIT(c->args);
  Py_VISIT(c->kwargs);
  Py_VISIT(c->slots);
  Py_VISIT(c->leaves);
  Py_VISIT(c->extraNames);
  Py_VISIT(Py_TYPE(self));
  return 0;
}
static int clear(PyObject *self) {
  auto *c = reinterpret_cast<Call *>(self);
  Py_CLEAR(c->args);
  Py_CLEAR(c->kwargs);
  Py_CLEAR(c->slots);
  Py_CLEAR(c->leaves);
  return 0;
}
static void dealloc(PyObject *self) {
  auto *c = reinterpret_cast<Call *>(self);
  PyTypeObject *type = Py_TYPE(self);
  PyObject_GC_UnTrack(self);
  clear(self);
  Py_CLEAR(c->extraNames);
  Py_CLEAR(c->owner);
  if (c->signature)
    c->signature->release();
  type->tp_free(self);
  Py_DECREF(type);
}

static PyObject *missingRepr(PyObject *) { return PyUnicode_FromString("<not given>"); }

bool initCallType(PyObject *module) {
  static PyMemberDef members[] = {{"args", T_OBJECT, offsetof(Call, args), READONLY, "positional arguments as passed"},
                                  {"kwargs", T_OBJECT, offsetof(Call, kwargs), READONLY, "keyword arguments as passed"},
                                  {"slots", T_OBJECT, offsetof(Call, slots), READONLY, "values by parameter, or None"},
                                  {"leaves", T_OBJECT, offsetof(Call, leaves), READONLY, "the Tensors among the arguments"},
                                  {"extra_names", T_OBJECT, offsetof(Call, extraNames), READONLY, "names of the extra keyword slots"},
                                  {}};
  static PyMethodDef methods[] = {{"explain", explain, METH_NOARGS, "Per entry a tuple of str, every difference to this call; empty where the entry fits."}, {}};
  static PyType_Slot slots[] = {{Py_tp_dealloc, reinterpret_cast<void *>(dealloc)},
                                {Py_tp_traverse, reinterpret_cast<void *>(traverse)},
                                {Py_tp_clear, reinterpret_cast<void *>(clear)},
                                {Py_tp_members, members},
                                {Py_tp_methods, methods},
                                {Py_tp_doc, const_cast<char *>("A call that no entry of its Dispatcher matched.")},
                                {}};
  static PyType_Spec spec = {"cellgrad._runtime._core.Call", sizeof(Call), 0,
                             Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};
  CallType = reinterpret_cast<PyTypeObject *>(PyType_FromSpec(&spec));
  static PyType_Slot missingSlots[] = {{Py_tp_repr, reinterpret_cast<void *>(missingRepr)}, {}};
  static PyType_Spec missingSpec = {"cellgrad._runtime._core.MissingType", sizeof(PyObject), 0, Py_TPFLAGS_DEFAULT, missingSlots};
  PyObject *missingType = PyType_FromSpec(&missingSpec);
  missingObject = missingType ? PyObject_CallNoArgs(missingType) : nullptr;
  Py_XDECREF(missingType);
  return CallType && missingObject && PyModule_AddObjectRef(module, "Call", reinterpret_cast<PyObject *>(CallType)) == 0 &&
         PyModule_AddObjectRef(module, "MISSING", missingObject) == 0;
}

} // namespace cg
