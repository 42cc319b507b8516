// Executable: a compiled entry point with the dtypes and shapes it expects, called by vectorcall.
#include "devices.h"
#include <structmember.h>

namespace cg {

PyTypeObject *ExecutableType;

namespace {

constexpr size_t kReleaseGilBytes = 64 * 1024;

void mismatch(Executable *exe, int i, const TensorObject *t) {
  char have[256], want[256];
  formatSpec(have, sizeof have, t->dtype, t->shape, t->ndim);
  formatSpec(want, sizeof want, exe->in[i].dtype, exe->in[i].shape, exe->in[i].ndim);
  PyErr_Format(t->dtype != exe->in[i].dtype ? PyExc_TypeError : PyExc_ValueError, "%S: input %d is %s, the program was compiled for %s",
               exe->name, i, have, want);
}

} // namespace

bool checkInputs(Executable *exe, TensorObject *const *in, bool report) {
  for (int i = 0; i < exe->nIn; ++i) {
    if (matches(in[i], exe->in[i]) && in[i]->storage)
      continue;
    if (report && matches(in[i], exe->in[i]))
      requireData(in[i], "running a compiled program");
    else if (report)
      mismatch(exe, i, in[i]);
    return false;
  }
  return true;
}

static PyObject *call(PyObject *self, PyObject *const *args, size_t nargsf, PyObject *kwnames) {
  auto *exe = reinterpret_cast<Executable *>(self);
  Py_ssize_t n = PyVectorcall_NARGS(nargsf);
  if (n != exe->nIn || (kwnames && PyTuple_GET_SIZE(kwnames))) {
    PyErr_Format(PyExc_TypeError, "%S takes %d Tensors by position, got %zd", exe->name, exe->nIn, n);
    return nullptr;
  }
  for (Py_ssize_t i = 0; i < n; ++i)
    if (!isTensor(args[i])) {
      PyErr_Format(PyExc_TypeError, "%S: input %zd must be a Tensor, got %.200s", exe->name, i, Py_TYPE(args[i])->tp_name);
      return nullptr;
    }
  auto *in = reinterpret_cast<TensorObject *const *>(args);
  if (!checkInputs(exe, in, true))
    return nullptr;
  if (exe->nFree <= 1) {
    TensorObject *out = nullptr;
    if (!runExecutable(exe, in, &out))
      return nullptr;
    return out ? reinterpret_cast<PyObject *>(out) : Py_NewRef(Py_None);
  }
  PyObject *tuple = PyTuple_New(exe->nFree);
  if (tuple && !runExecutable(exe, in, reinterpret_cast<TensorObject **>(&PyTuple_GET_ITEM(tuple, 0)))) {
    for (int i = 0; i < exe->nFree; ++i)
      PyTuple_SET_ITEM(tuple, i, nullptr); // released by runExecutable
    Py_CLEAR(tuple);
  }
  return tuple;
}

static bool parseIO(Executable *exe, PyObject *inputs, PyObject *outputs) {
  exe->nIn = int(PySequence_Fast_GET_SIZE(inputs));
  exe->nOut = int(PySequence_Fast_GET_SIZE(outputs));
  exe->in = static_cast<Spec *>(PyMem_Calloc(size_t(exe->nIn) + 1, sizeof(Spec)));
  exe->out = static_cast<Output *>(PyMem_Calloc(size_t(exe->nOut) + 1, sizeof(Output)));
  exe->written = static_cast<uint8_t *>(PyMem_Calloc(size_t(exe->nIn) + 1, 1));
  if (!exe->in || !exe->out || !exe->written)
    return PyErr_NoMemory() != nullptr;
  for (int i = 0; i < exe->nIn; ++i) {
    PyObject *dtype, *shape;
    int donated = 0;
    PyObject *item = PySequence_Tuple(PySequence_Fast_GET_ITEM(inputs, i));
    bool ok = item && PyArg_ParseTuple(item, "OO|p;an input is (dtype, shape) or (dtype, shape, donated)", &dtype, &shape, &donated) &&
              parseSpec(dtype, shape, &exe->in[i]);
    Py_XDECREF(item);
    if (!ok)
      return false;
    exe->written[i] = uint8_t(donated);
    exe->anyWritten |= donated;
  }
  for (int o = 0; o < exe->nOut; ++o) {
    PyObject *dtype, *shape;
    Output &out = exe->out[o];
    out.alias = -1;
    PyObject *item = PySequence_Tuple(PySequence_Fast_GET_ITEM(outputs, o));
    bool ok = item && PyArg_ParseTuple(item, "OO|i;an output is (dtype, shape, alias)", &dtype, &shape, &out.alias) &&
              parseSpec(dtype, shape, &out.spec);
    Py_XDECREF(item);
    if (!ok)
      return false;
    if (out.alias < 0) {
      ++exe->nFree;
      continue;
    }
    const Spec *tied = out.alias < exe->nIn ? &exe->in[out.alias] : nullptr;
    if (!tied || tied->dtype != out.spec.dtype || tied->ndim != out.spec.ndim || memcmp(tied->shape, out.spec.shape, sizeof(tied->shape))) {
      PyErr_Format(PyExc_ValueError, "output %d is tied to input %d, which does not exist or has another dtype or shape", o, out.alias);
      return false;
    }
    exe->written[out.alias] = 1;
    exe->anyWritten = true;
  }
  return true;
}

static PyObject *create(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
  static const char *keywords[] = {"entry", "arena_bytes", "inputs", "outputs", "keepalive", "release_gil", "name", "failure", "device", nullptr};
  PyObject *address, *inputs, *outputs, *keepalive = Py_None, *release = Py_None, *name = nullptr, *failure = nullptr;
  Py_ssize_t arenaBytes;
  int device = kHost;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OnOO|OOUOi", const_cast<char **>(keywords), &address, &arenaBytes, &inputs, &outputs,
                                   &keepalive, &release, &name, &failure, &device))
    return nullptr;
  if (device != kHost && !gpuLibrary())
    return nullptr;
  void *entry = PyLong_AsVoidPtr(address);
  void *takeFailure = failure && entry ? PyLong_AsVoidPtr(failure) : nullptr;
  if (!entry || arenaBytes < 0 || PyErr_Occurred()) {
    if (!PyErr_Occurred())
      PyErr_SetString(PyExc_ValueError, "entry must be the address of a function and arena_bytes not negative");
    return nullptr;
  }
  auto *exe = reinterpret_cast<Executable *>(type->tp_alloc(type, 0));
  if (!exe)
    return nullptr;
  exe->vectorcall = call;
  exe->entry = reinterpret_cast<void (*)(void **, void *)>(entry);
  exe->takeFailure = reinterpret_cast<int (*)(const char **)>(takeFailure);
  exe->arenaBytes = size_t(arenaBytes);
  exe->device = device < 0 ? kHost : device;
  exe->graphs = exe->device == kHost ? nullptr : gpuLibrary()->calls_create();
  exe->keepalive = Py_NewRef(keepalive);
  exe->name = name ? Py_NewRef(name) : PyUnicode_FromString("compiled program");
  PyObject *ins = PySequence_Fast(inputs, "inputs must be a sequence"), *outs = PySequence_Fast(outputs, "outputs must be a sequence");
  bool ok = exe->name && ins && outs && parseIO(exe, ins, outs);
  Py_XDECREF(ins);
  Py_XDECREF(outs);
  if (ok && release == Py_None) {
    size_t bytes = exe->arenaBytes;
    for (int i = 0; i < exe->nIn; ++i)
      bytes += exe->in[i].nbytes;
    for (int o = 0; o < exe->nOut; ++o)
      bytes += exe->out[o].spec.nbytes;
    exe->releaseGil = exe->device != kHost || bytes >= kReleaseGilBytes; // on a GPU a run may wait for it
  } else if (ok) {
    exe->releaseGil = PyObject_IsTrue(release) == 1;
  }
  if (!ok)
    Py_CLEAR(exe);
  return reinterpret_cast<PyObject *>(exe);
}

static int traverse(PyObject *self, visitproc visit, void *arg) {
  Py_VISIT(reinterpret_cast<Executable *>(self)->keepalive);
  Py_VISIT(Py_TYPE(self));
  return 0;
}
static int clear(PyObject *self) {
  Py_CLEAR(reinterpret_cast<Executable *>(self)->keepalive);
  return 0;
}
static void dealloc(PyObject *self) {
  auto *exe = reinterpret_cast<Executable *>(self);
  PyTypeObject *type = Py_TYPE(self);
  PyObject_GC_UnTrack(self);
  if (exe->graphs)
    gpuLibrary()->calls_destroy(static_cast<cg_gpu_calls *>(exe->graphs));
  PyMem_Free(exe->in);
  PyMem_Free(exe->out);
  PyMem_Free(exe->written);
  Py_XDECREF(exe->keepalive);
  Py_XDECREF(exe->name);
  type->tp_free(self);
  Py_DECREF(type);
}

static PyObject *specTuple(const Spec &s, long last, bool flag) {
  return Py_BuildValue("ONN", dtypeObject(s.dtype), shapeTuple(s.shape, s.ndim), flag ? PyBool_FromLong(last) : PyLong_FromLong(last));
}
static PyObject *getInputs(PyObject *self, void *) {
  auto *exe = reinterpret_cast<Executable *>(self);
  PyObject *list = PyTuple_New(exe->nIn);
  for (int i = 0; list && i < exe->nIn; ++i)
    PyTuple_SET_ITEM(list, i, specTuple(exe->in[i], exe->written[i], true));
  return list;
}
static PyObject *getOutputs(PyObject *self, void *) {
  auto *exe = reinterpret_cast<Executable *>(self);
  PyObject *list = PyTuple_New(exe->nOut);
  for (int o = 0; list && o < exe->nOut; ++o)
    PyTuple_SET_ITEM(list, o, specTuple(exe->out[o].spec, exe->out[o].alias, false));
  return list;
}

static PyObject *getReplays(PyObject *self, void *) {
  auto *exe = reinterpret_cast<Executable *>(self);
  cg_gpu_call_stats stats = {};
  if (exe->graphs)
    gpuLibrary()->calls_stats(static_cast<cg_gpu_calls *>(exe->graphs), &stats);
  return Py_BuildValue("{s:L,s:L,s:L}", "launches", static_cast<long long>(stats.launches), "captures", static_cast<long long>(stats.captures), "replays",
                       static_cast<long long>(stats.replays));
}

bool initExecutableType(PyObject *module) {
  static PyMemberDef members[] = {{"__vectorcalloffset__", T_PYSSIZET, offsetof(Executable, vectorcall), READONLY, nullptr},
                                  {"keepalive", T_OBJECT, offsetof(Executable, keepalive), READONLY, nullptr},
                                  {"name", T_OBJECT, offsetof(Executable, name), READONLY, nullptr},
                                  {"arena_bytes", T_PYSSIZET, offsetof(Executable, arenaBytes), READONLY, nullptr},
                                  {"calls", T_ULONGLONG, offsetof(Executable, calls), READONLY, nullptr},
                                  {"device", T_INT, offsetof(Executable, device), READONLY, "-1, or the number of a GPU"},
                                  {"release_gil", T_BOOL, offsetof(Executable, releaseGil), READONLY, nullptr},
                                  {}};
  static PyGetSetDef getset[] = {{"inputs", getInputs, nullptr, "tuple of (dtype, shape, written)", nullptr},
                                 {"outputs", getOutputs, nullptr, "tuple of (dtype, shape, alias)", nullptr},
                                 {"gpu_stats", getReplays, nullptr, "dict: kernels launched one by one, calls captured as graphs, calls replayed", nullptr},
                                 {}};
  static PyType_Slot slots[] = {{Py_tp_new, reinterpret_cast<void *>(create)},
                                {Py_tp_dealloc, reinterpret_cast<void *>(dealloc)},
                                {Py_tp_traverse, reinterpret_cast<void *>(traverse)},
                                {Py_tp_clear, reinterpret_cast<void *>(clear)},
                                {Py_tp_call, reinterpret_cast<void *>(PyVectorcall_Call)},
                                {Py_tp_members, members},
                                {Py_tp_getset, getset},
                                {Py_tp_doc, const_cast<char *>("A compiled entry point. See docs/design/call-path.md.")},
                                {}};
  static PyType_Spec spec = {"cellgrad._runtime._core.Executable", sizeof(Executable), 0,
                             Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL, slots};
  ExecutableType = reinterpret_cast<PyTypeObject *>(PyType_FromSpec(&spec));
  return ExecutableType && PyModule_AddObjectRef(module, "Executable", reinterpret_cast<PyObject *>(ExecutableType)) == 0;
}

} // namespace cg
