// Executable: a compiled entry point with the dtypes and shapes it expects, called by vectorcall.
#include "core.h"
#include <structmember.h>

#include <cstdlib>

namespace cg {

PyTypeObject *ExecutableType;

namespace {

constexpr size_t kReleaseGilBytes = 64 * 1024;
constexpr int kInlineArgs = 64;
uint64_t epoch; // of calls that write into inputs; marks their storages

// Scratch memory of compiled code: one grow-only block per thread, shared by all executables.
struct Arena {
  void *block = nullptr;
  size_t size = 0;
  bool busy = false;
  ~Arena() { free(block); }
};
thread_local Arena arena;

void *allocArena(size_t bytes) {
  void *p = nullptr;
  size_t align = bytes >= (size_t(2) << 20) ? size_t(2) << 20 : kAlign;
  if (posix_memalign(&p, align, (bytes + align - 1) / align * align) != 0) {
    PyErr_Format(PyExc_MemoryError, "cannot allocate %zu bytes of scratch memory", bytes);
    return nullptr;
  }
  return p;
}

struct ArenaUse {
  void *memory = nullptr;
  bool temporary = false, taken = false, ok = true;
  explicit ArenaUse(size_t bytes) {
    static char nothing alignas(kAlign)[kAlign];
    if (!bytes) {
      memory = nothing;
    } else if (arena.busy) { // compiled code called back into Python, which runs another program
      temporary = true;
      ok = (memory = allocArena(bytes));
    } else {
      if (arena.size < bytes) {
        free(arena.block);
        arena.size = 0;
        if (!(arena.block = allocArena(bytes))) {
          ok = false;
          return;
        }
        arena.size = bytes;
      }
      memory = arena.block;
      arena.busy = taken = true;
    }
  }
  ~ArenaUse() {
    if (temporary)
      free(memory);
    if (taken)
      arena.busy = false;
  }
};

void mismatch(Executable *exe, int i, const TensorObject *t) {
  char have[256], want[256];
  formatSpec(have, sizeof have, t->dtype, t->shape, t->ndim);
  formatSpec(want, sizeof want, exe->in[i].dtype, exe->in[i].shape, exe->in[i].ndim);
  PyErr_Format(t->dtype != exe->in[i].dtype ? PyExc_TypeError : PyExc_ValueError, "%S: input %d is %s, the program was compiled for %s",
               exe->name, i, have, want);
}

bool overlap(const TensorObject *a, const TensorObject *b) {
  return a->nbytes && b->nbytes && a->data < b->data + b->nbytes && b->data < a->data + a->nbytes;
}

// Inputs that share memory with a written input are replaced by copies, kept in `copies` until the run is over.
bool separateHazards(Executable *exe, TensorObject *const *in, void **args, PyObject **copies) {
  uint64_t now = ++epoch;
  bool borrowed = false;
  for (int i = 0; i < exe->nIn; ++i) {
    if (!exe->written[i] || !in[i]->nbytes)
      continue;
    Storage *s = in[i]->storage;
    if (s->readonly) {
      PyErr_Format(PyExc_ValueError, "%S: input %d is updated in place but shares read-only memory", exe->name, i);
      return false;
    }
    if (s->mark == now) {
      PyErr_Format(PyExc_ValueError, "%S: input %d is updated in place and shares its memory with another such input", exe->name, i);
      return false;
    }
    s->mark = now;
    borrowed |= s->borrowed;
  }
  for (int i = 0; i < exe->nIn; ++i) {
    Storage *s = in[i]->storage;
    bool hazard = !exe->written[i] && s->mark == now && in[i]->nbytes;
    // Foreign memory may be reached through several storages, so their addresses are compared.
    if (!hazard && s->borrowed && borrowed)
      for (int j = 0; j < exe->nIn && !hazard; ++j)
        hazard = j != i && exe->written[j] && in[j]->storage != s && overlap(in[i], in[j]);
    if (!hazard)
      continue;
    if (exe->written[i]) {
      PyErr_Format(PyExc_ValueError, "%S: input %d is updated in place and shares its memory with another such input", exe->name, i);
      return false;
    }
    TensorObject *c = newTensorData(TensorClass, exe->in[i]);
    if (!c)
      return false;
    memcpy(c->data, in[i]->data, in[i]->nbytes);
    args[i] = c->data;
    if (!*copies && !(*copies = PyList_New(0))) {
      Py_DECREF(c);
      return false;
    }
    int rc = PyList_Append(*copies, reinterpret_cast<PyObject *>(c));
    Py_DECREF(c);
    if (rc < 0)
      return false;
  }
  return true;
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

bool runExecutable(Executable *exe, TensorObject *const *in, TensorObject **outs) {
  void *inlineArgs[kInlineArgs];
  void **args = inlineArgs;
  int pointers = exe->nIn + exe->nFree, made = 0;
  int total = pointers + (exe->releaseGil ? exe->nIn : 0); // the tail holds the storages while the GIL is released
  if (total > kInlineArgs && !(args = static_cast<void **>(PyMem_Malloc(sizeof(void *) * size_t(total))))) {
    PyErr_NoMemory();
    return false;
  }
  PyObject *copies = nullptr;
  for (int i = 0; i < exe->nIn; ++i)
    args[i] = in[i]->data;
  bool ok = !exe->anyWritten || separateHazards(exe, in, args, &copies);
  for (int o = 0; ok && o < exe->nOut; ++o) {
    if (exe->out[o].alias >= 0)
      continue;
    TensorObject *t = newTensorData(TensorClass, exe->out[o].spec);
    if (!(ok = t))
      break;
    outs[made] = t;
    args[exe->nIn + made++] = t->data;
  }
  if (ok) {
    ArenaUse scratch(exe->arenaBytes);
    if ((ok = scratch.ok)) {
      ++exe->calls;
      if (exe->releaseGil) {
        // The caller's references keep the tensors; another thread could bind other memory to them, so hold the storages.
        Py_INCREF(exe);
        for (int i = 0; i < exe->nIn; ++i)
          args[pointers + i] = Py_NewRef(reinterpret_cast<PyObject *>(in[i]->storage));
        Py_BEGIN_ALLOW_THREADS
        exe->entry(args, scratch.memory);
        Py_END_ALLOW_THREADS
        for (int i = 0; i < exe->nIn; ++i)
          Py_DECREF(static_cast<PyObject *>(args[pointers + i]));
        Py_DECREF(exe);
      } else {
        exe->entry(args, scratch.memory);
      }
    }
  }
  if (ok && exe->takeFailure && raiseFailure(exe->takeFailure))
    ok = false;
  if (ok && PyErr_Occurred()) // only an entry that calls back into Python can set one
    ok = false;
  if (!ok)
    while (made)
      Py_DECREF(outs[--made]);
  Py_XDECREF(copies);
  if (args != inlineArgs)
    PyMem_Free(args);
  return ok;
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
  static const char *keywords[] = {"entry", "arena_bytes", "inputs", "outputs", "keepalive", "release_gil", "name", "failure", nullptr};
  PyObject *address, *inputs, *outputs, *keepalive = Py_None, *release = Py_None, *name = nullptr, *failure = nullptr;
  Py_ssize_t arenaBytes;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OnOO|OOUO", const_cast<char **>(keywords), &address, &arenaBytes, &inputs, &outputs,
                                   &keepalive, &release, &name, &failure))
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
    exe->releaseGil = bytes >= kReleaseGilBytes;
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

bool initExecutableType(PyObject *module) {
  static PyMemberDef members[] = {{"__vectorcalloffset__", T_PYSSIZET, offsetof(Executable, vectorcall), READONLY, nullptr},
                                  {"keepalive", T_OBJECT, offsetof(Executable, keepalive), READONLY, nullptr},
                                  {"name", T_OBJECT, offsetof(Executable, name), READONLY, nullptr},
                                  {"arena_bytes", T_PYSSIZET, offsetof(Executable, arenaBytes), READONLY, nullptr},
                                  {"calls", T_ULONGLONG, offsetof(Executable, calls), READONLY, nullptr},
                                  {"release_gil", T_BOOL, offsetof(Executable, releaseGil), READONLY, nullptr},
                                  {}};
  static PyGetSetDef getset[] = {{"inputs", getInputs, nullptr, "tuple of (dtype, shape, written)", nullptr},
                                 {"outputs", getOutputs, nullptr, "tuple of (dtype, shape, alias)", nullptr},
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
