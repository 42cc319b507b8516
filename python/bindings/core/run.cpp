// Running an Executable: memory of inputs, results and scratch, on the host or on a GPU.
#include "devices.h"

#include <cstdlib>
#include <string>

namespace cg {
namespace {

constexpr int kInlineArgs = 64;

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

bool overlap(const Storage *a, const Storage *b, size_t aBytes, size_t bBytes) {
  return aBytes && bBytes && a->data < b->data + bBytes && b->data < a->data + aBytes;
}

// Keeps a tensor until the run is over; takes its reference.
bool keep(TensorObject *t, PyObject **copies) {
  bool ok = t && (*copies || (*copies = PyList_New(0))) && PyList_Append(*copies, reinterpret_cast<PyObject *>(t)) == 0;
  Py_XDECREF(t);
  return ok;
}

Storage *heldBy(void *const *held, int i) { return static_cast<Storage *>(held[i]); }

// Bringing inputs, and a run without the GIL, let other threads in. They could bind other memory to the caller's Tensors or move it, so a call keeps the
// storages that it began with, and pins each where the program is to find it.
void release(Executable *exe, void *const *held, int pinned) {
  for (int i = 0; i < exe->nIn; ++i) {
    Storage *s = heldBy(held, i);
    s->pins -= i < pinned;
    Py_DECREF(reinterpret_cast<PyObject *>(s));
  }
}

// Brings inputs to where the program runs. Memory that others know stays where it is and a copy serves this call: args[i] is then its address.
bool bringInputs(Executable *exe, TensorObject *const *in, void **args, void *const *held, int *pinned, PyObject **copies) {
  for (int i = 0; i < exe->nIn; ++i) {
    Storage *s = heldBy(held, i);
    bool readonly = exe->written[i] && s->readonly; // separateHazards says so
    if (s->device != exe->device && in[i]->nbytes && !readonly && movable(s) && !moveStorage(s, exe->device))
      return false;
    ++s->pins;
    ++*pinned;
    args[i] = s->data;
    if (s->device == exe->device || !in[i]->nbytes || readonly)
      continue;
    TensorObject *c = newTensorData(TensorClass, specOf(in[i]), exe->device);
    if (!c || !copyStorage(c->storage, s, c->nbytes))
      Py_CLEAR(c);
    args[i] = c ? dataOf(c) : nullptr;
    if (!keep(c, copies))
      return false;
  }
  return true;
}

// What the program wrote into copies goes to the inputs that they stood for.
bool copyBack(Executable *exe, void *const *args, void *const *held, PyObject *copies) {
  for (int i = 0; copies && i < exe->nIn; ++i) {
    Storage *s = heldBy(held, i);
    if (!exe->written[i] || s->device == exe->device)
      continue;
    for (Py_ssize_t k = 0; k < PyList_GET_SIZE(copies); ++k) {
      TensorObject *c = asTensor(PyList_GET_ITEM(copies, k));
      if (dataOf(c) == args[i] && !copyStorage(s, c->storage, c->nbytes))
        return false;
    }
  }
  return true;
}

// Inputs that share memory with a written input are replaced by copies, kept in `copies` until the run is over.
bool separateHazards(Executable *exe, TensorObject *const *in, void **args, void *const *held, PyObject **copies) {
  uint64_t now = nextMark();
  bool borrowed = false;
  auto storageOf = [&](int i) { return held ? heldBy(held, i) : in[i]->storage; };
  for (int i = 0; i < exe->nIn; ++i) {
    if (!exe->written[i] || !in[i]->nbytes)
      continue;
    Storage *s = storageOf(i);
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
    Storage *s = storageOf(i);
    bool hazard = !exe->written[i] && s->mark == now && in[i]->nbytes;
    // Foreign memory may be reached through several storages, so their addresses are compared.
    if (!hazard && s->borrowed && borrowed)
      for (int j = 0; j < exe->nIn && !hazard; ++j)
        hazard = j != i && exe->written[j] && storageOf(j) != s && overlap(s, storageOf(j), in[i]->nbytes, in[j]->nbytes);
    if (!hazard || (!exe->written[i] && args[i] != s->data)) // or it is a copy already
      continue;
    if (exe->written[i]) {
      PyErr_Format(PyExc_ValueError, "%S: input %d is updated in place and shares its memory with another such input", exe->name, i);
      return false;
    }
    TensorObject *c = newTensorData(TensorClass, specOf(in[i]), exe->device);
    if (!c || !copyStorage(c->storage, s, c->nbytes))
      Py_CLEAR(c);
    args[i] = c ? dataOf(c) : nullptr;
    if (!keep(c, copies))
      return false;
  }
  return true;
}

// A program on a GPU failed with the exception that is set: adds what Python knows of it (memory.cpp's text has no names, kernels have no lines).
void explainGpu(Executable *exe) {
  PyObject *type, *value, *trace;
  PyErr_Fetch(&type, &value, &trace);
  PyErr_NormalizeException(&type, &value, &trace);
  bool memory = PyErr_GivenExceptionMatches(type, PyExc_MemoryError);
  if (memory || PyErr_GivenExceptionMatches(type, PyExc_RuntimeError)) {
    PyObject *module = PyImport_ImportModule("cellgrad._runtime.device");
    PyObject *text = module ? PyObject_CallMethod(module, memory ? "explain_memory" : "explain_failure", "OO", exe, value) : nullptr;
    Py_XDECREF(module);
    if (text) {
      PyErr_SetObject(type, text);
      Py_DECREF(text);
      Py_XDECREF(type);
      Py_XDECREF(value);
      Py_XDECREF(trace);
      return;
    }
    PyErr_Clear();
  }
  PyErr_Restore(type, value, trace);
}

// The machine code; false: an exception is set.
bool runOnHost(Executable *exe, void **args) {
  ArenaUse scratch(exe->arenaBytes);
  if (scratch.ok)
    exe->entry(args, scratch.memory);
  return scratch.ok;
}
bool runOnGpu(Executable *exe, void **args, int *result) {
  *result = gpuLibrary()->run(exe->device, static_cast<cg_gpu_calls *>(exe->graphs), exe->entry, args, exe->nIn + exe->nFree, int64_t(exe->arenaBytes));
  return *result == CG_GPU_OK;
}

} // namespace

bool runExecutable(Executable *exe, TensorObject *const *in, TensorObject **outs) {
  void *inlineArgs[kInlineArgs];
  void **args = inlineArgs;
  int pointers = exe->nIn + exe->nFree, made = 0;
  bool elsewhere = false, ok = true;
  for (int i = 0; i < exe->nIn; ++i)
    elsewhere |= in[i]->storage->device != exe->device;
  bool shared = elsewhere || exe->releaseGil; // with other threads, so the storages are held: in the tail of args
  int total = pointers + (shared ? exe->nIn : 0);
  if (total > kInlineArgs && !(args = static_cast<void **>(PyMem_Malloc(sizeof(void *) * size_t(total))))) {
    PyErr_NoMemory();
    return false;
  }
  PyObject *copies = nullptr;
  void **held = shared ? args + pointers : nullptr;
  int pinned = elsewhere || !shared ? 0 : exe->nIn;
  for (int i = 0; i < exe->nIn; ++i) {
    args[i] = dataOf(in[i]);
    if (shared)
      held[i] = Py_NewRef(reinterpret_cast<PyObject *>(in[i]->storage));
    in[i]->storage->pins += i < pinned;
  }
  if (elsewhere)
    ok = bringInputs(exe, in, args, held, &pinned, &copies);
  if (ok && exe->anyWritten)
    ok = separateHazards(exe, in, args, held, &copies);
  for (int o = 0; ok && o < exe->nOut; ++o) {
    if (exe->out[o].alias >= 0)
      continue;
    TensorObject *t = newTensorData(TensorClass, exe->out[o].spec, exe->device);
    if (!(ok = t))
      break;
    outs[made] = t;
    args[exe->nIn + made++] = dataOf(t);
  }
  if (ok) {
    ++exe->calls;
    int result = 0;
    if (exe->releaseGil) {
      Py_INCREF(exe);
      // Scratch memory of the host belongs to the thread, so it is taken and reported with the GIL.
      if (exe->device == kHost) {
        ArenaUse scratch(exe->arenaBytes);
        if ((ok = scratch.ok)) {
          Py_BEGIN_ALLOW_THREADS
          exe->entry(args, scratch.memory);
          Py_END_ALLOW_THREADS
        }
      } else {
        Py_BEGIN_ALLOW_THREADS
        ok = runOnGpu(exe, args, &result);
        Py_END_ALLOW_THREADS
      }
      Py_DECREF(exe);
    } else {
      ok = exe->device == kHost ? runOnHost(exe, args) : runOnGpu(exe, args, &result);
    }
    if (result)
      raiseGpu(result);
  }
  if (ok && exe->takeFailure && raiseFailure(exe->takeFailure))
    ok = false;
  if (ok && PyErr_Occurred()) // only an entry that calls back into Python can set one
    ok = false;
  if (ok && elsewhere && exe->anyWritten)
    ok = copyBack(exe, args, held, copies);
  if (!ok && exe->device != kHost)
    explainGpu(exe);
  if (!ok)
    while (made)
      Py_DECREF(outs[--made]);
  Py_XDECREF(copies);
  if (shared)
    release(exe, held, pinned);
  if (args != inlineArgs)
    PyMem_Free(args);
  return ok;
}

} // namespace cg
