// The Dispatcher as a Python object: its table of entries, its construction and its life. Its call is dispatcher.cpp.
#include "dispatch.h"
#include <structmember.h>

namespace cg {

PyTypeObject *DispatcherType;

static PyObject *bindOnly(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
  return reinterpret_cast<PyObject *>(bindCall(reinterpret_cast<Dispatcher *>(self), args, nargs, kwnames));
}

static bool ownCall(PyObject *self, PyObject *arg) {
  if (Py_TYPE(arg) == CallType && reinterpret_cast<Call *>(arg)->owner == reinterpret_cast<Dispatcher *>(self))
    return true;
  PyErr_SetString(PyExc_TypeError, "a Call of this Dispatcher was expected");
  return false;
}

static PyObject *addEntry(PyObject *self, PyObject *args, PyObject *kwargs) {
  auto *d = reinterpret_cast<Dispatcher *>(self);
  static const char *keywords[] = {"call", "executable", "plan", "template", "guards", "writes", "tag", nullptr};
  PyObject *c, *exe, *plan, *tmpl, *guards = nullptr, *writes = nullptr, *tag = Py_None;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OOOO|OOO", const_cast<char **>(keywords), &c, &exe, &plan, &tmpl, &guards, &writes, &tag) ||
      !ownCall(self, c))
    return nullptr;
  auto *call = reinterpret_cast<Call *>(c);
  if (!call->signature) {
    PyErr_SetString(PyExc_ValueError, "the arguments of this call do not bind to the parameters");
    return nullptr;
  }
  PyObject *empty = PyTuple_New(0);
  Entry *e = empty ? makeEntry(call->signature, int(PyTuple_GET_SIZE(call->slots)), exe, plan, tmpl, guards ? guards : empty,
                               writes ? writes : empty, tag)
                   : nullptr;
  Py_XDECREF(empty);
  if (!e)
    return nullptr;
  // Entries that can never match again are dropped here, so that a dead model does not stay in memory.
  std::vector<Entry *> dead;
  for (size_t i = 0; i < d->entries->size();) {
    Entry *old = (*d->entries)[i];
    bool gone = old->signature->dead();
    for (const Guard &g : old->guards)
      gone |= g.kind != kPython && !g.object.get();
    if (gone) {
      dead.push_back(old);
      d->entries->erase(d->entries->begin() + long(i));
    } else {
      ++i;
    }
  }
  e->number = d->nextNumber++;
  long number = e->number;
  d->entries->insert(d->entries->begin(), e);
  for (Entry *old : dead)
    old->release(); // may run destructors, so after the table is sound again
  return PyLong_FromLong(number);
}

static Entry *entryNumbered(Dispatcher *d, PyObject *number) {
  long n = PyLong_AsLong(number);
  if (n == -1 && PyErr_Occurred())
    return nullptr;
  for (Entry *e : *d->entries)
    if (e->number == n)
      return e;
  PyErr_Format(PyExc_KeyError, "no entry %ld", n);
  return nullptr;
}

static PyObject *runNumbered(PyObject *self, PyObject *const *args, Py_ssize_t n) {
  auto *d = reinterpret_cast<Dispatcher *>(self);
  if (n != 2) {
    PyErr_SetString(PyExc_TypeError, "run_entry(number, call)");
    return nullptr;
  }
  Entry *e = entryNumbered(d, args[0]);
  if (!e || !ownCall(self, args[1]))
    return nullptr;
  auto *c = reinterpret_cast<Call *>(args[1]);
  if (c->slots == Py_None || PyTuple_GET_SIZE(c->leaves) != e->signature->numLeaves) {
    PyErr_SetString(PyExc_ValueError, "the call does not have the leaves of this entry");
    return nullptr;
  }
  ++e->refs;
  Py_INCREF(c);
  PyObject *result = runEntry(e, reinterpret_cast<TensorObject *const *>(&PyTuple_GET_ITEM(c->leaves, 0)), &PyTuple_GET_ITEM(c->slots, 0), true);
  Py_DECREF(c);
  e->release();
  return result;
}

static PyObject *removeEntry(PyObject *self, PyObject *number) {
  Entry *e = entryNumbered(reinterpret_cast<Dispatcher *>(self), number);
  if (!e)
    return nullptr;
  dropEntry(reinterpret_cast<Dispatcher *>(self), e);
  Py_RETURN_NONE;
}

static void clearEntries(Dispatcher *d) {
  std::vector<Entry *> all;
  if (d->entries)
    all.swap(*d->entries);
  for (Entry *e : all)
    e->release();
}
static PyObject *clearTable(PyObject *self, PyObject *) {
  clearEntries(reinterpret_cast<Dispatcher *>(self));
  Py_RETURN_NONE;
}

static PyObject *stats(PyObject *self, PyObject *) {
  auto *d = reinterpret_cast<Dispatcher *>(self);
  return Py_BuildValue("{s:K,s:K,s:K,s:n}", "hits", d->hits, "misses", d->misses, "traced", d->traced, "entries",
                       Py_ssize_t(d->entries->size()));
}

static PyObject *getEntries(PyObject *self, void *) {
  auto *d = reinterpret_cast<Dispatcher *>(self);
  PyObject *list = PyList_New(0);
  for (size_t i = 0; list && i < d->entries->size(); ++i)
    if (PyList_Append(list, (*d->entries)[i]->tag) < 0)
      Py_CLEAR(list);
  return list;
}

static PyObject *notReady(PyObject *self, PyObject *const *, size_t, PyObject *) {
  PyErr_Format(PyExc_RuntimeError, "%.200s.__init__ was not called", Py_TYPE(self)->tp_name);
  return nullptr;
}

static PyObject *create(PyTypeObject *type, PyObject *, PyObject *) {
  auto *d = reinterpret_cast<Dispatcher *>(type->tp_alloc(type, 0));
  if (!d)
    return nullptr;
#if PY_VERSION_HEX < 0x030C0000
  // Python subclasses do not inherit the flag before 3.12; without it each call would build an argument tuple.
  if (type->tp_call == PyVectorcall_Call)
    type->tp_flags |= Py_TPFLAGS_HAVE_VECTORCALL;
#endif
  d->vectorcall = notReady;
  d->entries = new std::vector<Entry *>();
  return reinterpret_cast<PyObject *>(d);
}

static bool parseStatic(Dispatcher *d, PyObject *statics) {
  PyObject *seq = PySequence_Fast(statics, "static must be a sequence of slot indices or names");
  bool ok = seq;
  for (Py_ssize_t i = 0; ok && i < PySequence_Fast_GET_SIZE(seq); ++i) {
    PyObject *item = PySequence_Fast_GET_ITEM(seq, i);
    Py_ssize_t at = PyLong_Check(item) ? PyLong_AsSsize_t(item) : -1;
    for (Py_ssize_t k = 0; PyUnicode_Check(item) && k < d->numSlots; ++k)
      if (PyUnicode_Compare(PyTuple_GET_ITEM(d->names, k), item) == 0)
        at = k;
    if (!(ok = at >= 0 && at < d->numSlots)) {
      PyErr_Clear();
      PyErr_Format(PyExc_ValueError, "static: %R is not a parameter", item);
    } else {
      d->isStatic[at] = 1;
      d->anyStatic = true;
    }
  }
  Py_XDECREF(seq);
  return ok;
}

static int initialise(PyObject *self, PyObject *args, PyObject *kwargs) {
  auto *d = reinterpret_cast<Dispatcher *>(self);
  static const char *keywords[] = {"slow_path", "names", "n_positional", "varargs", "varkw", "static", "traced_path", nullptr};
  PyObject *slowPath, *names, *numPositional = Py_None, *statics = nullptr, *tracedPath = Py_None;
  int varargs = 0, varkw = 0;
  if (d->names) {
    PyErr_SetString(PyExc_RuntimeError, "a Dispatcher is initialised once");
    return -1;
  }
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO!|OppOO", const_cast<char **>(keywords), &slowPath, &PyTuple_Type, &names, &numPositional,
                                   &varargs, &varkw, &statics, &tracedPath))
    return -1;
  Py_ssize_t n = PyTuple_GET_SIZE(names), positional = n;
  for (Py_ssize_t i = 0; i < n; ++i)
    if (!PyUnicode_CheckExact(PyTuple_GET_ITEM(names, i))) {
      PyErr_SetString(PyExc_TypeError, "names must be a tuple of str");
      return -1;
    }
  if (numPositional != Py_None && ((positional = PyLong_AsSsize_t(numPositional)) < 0 || positional > n)) {
    if (!PyErr_Occurred())
      PyErr_SetString(PyExc_ValueError, "n_positional must be between 0 and the number of names");
    return -1;
  }
  d->isStatic = static_cast<uint8_t *>(PyMem_Calloc(size_t(n) + 1, 1));
  if (!d->isStatic)
    return PyErr_NoMemory(), -1;
  d->names = Py_NewRef(names);
  d->slowPath = Py_NewRef(slowPath);
  d->tracedPath = Py_NewRef(tracedPath);
  d->numSlots = int(n);
  d->numPositional = int(positional);
  d->varargs = varargs;
  d->varkw = varkw;
  if (statics && !parseStatic(d, statics))
    return -1;
  d->vectorcall = callDispatcher;
  return 0;
}

static int traverse(PyObject *self, visitproc visit, void *arg) {
  auto *d = reinterpret_cast<Dispatcher *>(self);
  Py_VISIT(d->dict);
  Py_VISIT(d->slowPath);
  Py_VISIT(d->tracedPath);
  for (size_t i = 0; d->entries && i < d->entries->size(); ++i)
    if (int r = (*d->entries)[i]->visit(visit, arg))
      return r;
  Py_VISIT(Py_TYPE(self));
  return 0;
}
static int clear(PyObject *self) {
  auto *d = reinterpret_cast<Dispatcher *>(self);
  d->vectorcall = notReady; // a finaliser may still call
  clearEntries(d);
  Py_CLEAR(d->dict);
  Py_CLEAR(d->slowPath);
  Py_CLEAR(d->tracedPath);
  return 0;
}
static void dealloc(PyObject *self) {
  auto *d = reinterpret_cast<Dispatcher *>(self);
  PyTypeObject *type = Py_TYPE(self);
  PyObject_GC_UnTrack(self);
  if (d->weakrefs)
    PyObject_ClearWeakRefs(self);
  clear(self);
  Py_CLEAR(d->names);
  PyMem_Free(d->isStatic);
  delete d->entries;
  type->tp_free(self);
  Py_DECREF(type);
}

static PyObject *descrGet(PyObject *self, PyObject *obj, PyObject *) {
  return obj && obj != Py_None ? PyMethod_New(self, obj) : Py_NewRef(self);
}

static PyObject *enterCapture(PyObject *, PyObject *) { return PyLong_FromLong(++captureDepth); }
static PyObject *exitCapture(PyObject *, PyObject *) {
  if (captureDepth > 0)
    --captureDepth;
  return PyLong_FromLong(captureDepth);
}
static PyObject *getDepth(PyObject *, PyObject *) { return PyLong_FromLong(captureDepth); }

bool initDispatcherType(PyObject *module) {
  static PyMemberDef members[] = {{"__vectorcalloffset__", T_PYSSIZET, offsetof(Dispatcher, vectorcall), READONLY, nullptr},
                                  {"__dictoffset__", T_PYSSIZET, offsetof(Dispatcher, dict), READONLY, nullptr},
                                  {"__weaklistoffset__", T_PYSSIZET, offsetof(Dispatcher, weakrefs), READONLY, nullptr},
                                  {"names", T_OBJECT, offsetof(Dispatcher, names), READONLY, "names of the parameters"},
                                  {}};
  static PyMethodDef methods[] = {
      {"add_entry", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)(void)>(addEntry)), METH_VARARGS | METH_KEYWORDS,
       "add_entry(call, executable, plan, template, guards=(), writes=(), tag=None): the number of the new entry."},
      {"bind", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)(void)>(bindOnly)), METH_FASTCALL | METH_KEYWORDS,
       "bind(*args, **kwargs): the Call of these arguments, which is not made."},
      {"run_entry", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)(void)>(runNumbered)), METH_FASTCALL,
       "run_entry(number, call): the result of an entry on the arguments of a call."},
      {"remove_entry", removeEntry, METH_O, "Remove an entry by its number."},
      {"clear", clearTable, METH_NOARGS, "Remove all entries."},
      {"stats", stats, METH_NOARGS, "dict of hits, misses, traced calls and the number of entries."},
      {}};
  static PyGetSetDef getset[] = {{"entries", getEntries, nullptr, "tags of the entries, the next one to try first", nullptr},
                                 {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, nullptr, nullptr},
                                 {}};
  static PyType_Slot slots[] = {{Py_tp_new, reinterpret_cast<void *>(create)},
                                {Py_tp_init, reinterpret_cast<void *>(initialise)},
                                {Py_tp_dealloc, reinterpret_cast<void *>(dealloc)},
                                {Py_tp_traverse, reinterpret_cast<void *>(traverse)},
                                {Py_tp_clear, reinterpret_cast<void *>(clear)},
                                {Py_tp_call, reinterpret_cast<void *>(PyVectorcall_Call)},
                                {Py_tp_descr_get, reinterpret_cast<void *>(descrGet)},
                                {Py_tp_members, members},
                                {Py_tp_methods, methods},
                                {Py_tp_getset, getset},
                                {Py_tp_doc, const_cast<char *>("Cached call of a compiled function. See docs/design/call-path.md.")},
                                {}};
  static PyType_Spec spec = {"cellgrad._runtime._core.Dispatcher", sizeof(Dispatcher), 0,
                             Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL |
                                 Py_TPFLAGS_METHOD_DESCRIPTOR,
                             slots};
  static PyMethodDef functions[] = {{"enter_capture", enterCapture, METH_NOARGS, "Count one more open capture of this thread."},
                                    {"exit_capture", exitCapture, METH_NOARGS, "Count one less."},
                                    {"capture_depth", getDepth, METH_NOARGS, "Open captures of this thread."},
                                    {"register_value_type", registerValueType, METH_O, "Compare arguments of this exact type by value."},
                                    {}};
  DispatcherType = reinterpret_cast<PyTypeObject *>(PyType_FromSpec(&spec));
  return DispatcherType && PyModule_AddObjectRef(module, "Dispatcher", reinterpret_cast<PyObject *>(DispatcherType)) == 0 &&
         PyModule_AddFunctions(module, functions) == 0;
}

} // namespace cg
