// Memory of GPUs: where a storage lies, how it moves, what Python asks of devices. A storage lies in one place at a time. A program takes its inputs to where
// it runs: a storage whose address nobody else knows moves there and stays; of any other (views, DLPack, foreign memory) the call gets a copy.
#include "devices.h"

#include <dlfcn.h>
#include <string>

namespace cg {

int currentDevice = kHost, currentTarget = kHost;

bool isAscend(int device) { return device >= CG_GPU_ASCEND; }

void nameDevice(int device, char *text, size_t room) {
  if (device == kHost)
    snprintf(text, room, "the CPU");
  else
    snprintf(text, room, isAscend(device) ? "Ascend %d" : "GPU %d", device % CG_GPU_ASCEND);
}

uint64_t nextMark() {
  static uint64_t last;
  return ++last;
}

bool deviceNumber(PyObject *arg, int *out) {
  int overflow;
  long n = PyLong_AsLongAndOverflow(arg, &overflow);
  if (n == -1 && PyErr_Occurred())
    return false;
  if (overflow || n < kHost || n >= 2 * CG_GPU_ASCEND) {
    PyErr_Format(PyExc_ValueError, "there is no device %S", arg);
    return false;
  }
  *out = int(n);
  return true;
}

const GpuLibrary *gpuLibrary() {
  static GpuLibrary library;
  static bool loaded;
  if (loaded)
    return &library;
  Dl_info here;
  std::string path = "libcellgrad_gpu.so"; // in lib/ of the package, whose _runtime/ has this module
  if (dladdr(reinterpret_cast<void *>(&gpuLibrary), &here) && here.dli_fname && strrchr(here.dli_fname, '/'))
    path = std::string(here.dli_fname, size_t(strrchr(here.dli_fname, '/') - here.dli_fname)) + "/../lib/" + path;
  void *handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    const char *reason = dlerror();
    PyErr_Format(PyExc_RuntimeError, "cellgrad's library for GPUs cannot be loaded: %s", reason ? reason : path.c_str());
    return nullptr;
  }
#define CG_GPU_FIND(name)                                                                                                                \
  if (!(library.name = reinterpret_cast<decltype(library.name)>(dlsym(handle, "cg_gpu_" #name)))) {                                      \
    PyErr_Format(PyExc_RuntimeError, "%s has no function cg_gpu_" #name "; install cellgrad again", path.c_str());                       \
    return nullptr;                                                                                                                      \
  }
  CG_GPU_FUNCTIONS(CG_GPU_FIND)
  loaded = true;
  return &library;
}

bool raiseGpu(int result) {
  PyErr_SetString(result == CG_GPU_OUT_OF_MEMORY ? PyExc_MemoryError : PyExc_RuntimeError, gpuLibrary()->error());
  return false;
}

bool readStorage(Storage *s, void *to, size_t bytes) {
  if (s->device == kHost) {
    memcpy(to, s->data, bytes);
    return true;
  }
  const GpuLibrary *gpu = gpuLibrary(); // there, as the storage came from it
  int result;
  ++s->pins; // another thread could move it
  Py_INCREF(s); // or bind other memory to its Tensor
  Py_BEGIN_ALLOW_THREADS
  result = gpu->download(s->device, to, s->data, int64_t(bytes));
  Py_END_ALLOW_THREADS
  --s->pins;
  Py_DECREF(s);
  return result == CG_GPU_OK || raiseGpu(result);
}

bool writeStorage(Storage *s, const void *from, size_t bytes) {
  s->mark = nextMark();
  if (s->device == kHost) {
    memmove(s->data, from, bytes);
    return true;
  }
  int result = gpuLibrary()->upload(s->device, s->data, from, int64_t(bytes));
  return result == CG_GPU_OK || raiseGpu(result);
}

bool copyStorage(Storage *to, Storage *from, size_t bytes) {
  if (from->device == kHost)
    return to->data == from->data || writeStorage(to, from->data, bytes);
  if (to->device == kHost) {
    ++to->pins;
    bool ok = readStorage(from, to->data, bytes);
    --to->pins;
    return ok;
  }
  const GpuLibrary *gpu = gpuLibrary();
  if (to->device == from->device) {
    to->mark = nextMark();
    int result = to->data == from->data ? CG_GPU_OK : gpu->move(to->device, to->data, from->data, int64_t(bytes));
    return result == CG_GPU_OK || raiseGpu(result);
  }
  void *host = PyMem_RawMalloc(bytes ? bytes : 1); // by way of the host: peer access is not everywhere
  bool ok = host ? readStorage(from, host, bytes) && writeStorage(to, host, bytes) : PyErr_NoMemory() != nullptr;
  PyMem_RawFree(host);
  return ok;
}

bool moveStorage(Storage *s, int device) {
  if (s->device == device)
    return true;
  Storage *fresh = newStorage(s->bytes, device);
  if (!fresh)
    return false;
  // Copying may let go of the GIL, and another thread's program may write into the memory meanwhile: then what was copied is old.
  bool ok = true, whole = false;
  for (int tries = 0; ok && !whole && tries < 8 && movable(s); ++tries) {
    uint64_t before = s->mark;
    ok = copyStorage(fresh, s, s->bytes);
    whole = before == s->mark;
  }
  // Or it has moved the storage itself, or taken it in use where it is.
  if (ok && whole && s->device != device && movable(s)) {
    releaseMemory(s);
    if (device == kHost && fresh->dataClass == kInline) { // the block would go with `fresh`
      // Small data goes back behind the header it started in, or was made with room for.
      s->data = reinterpret_cast<char *>(s) + kStorageHeader;
      memcpy(s->data, fresh->data, s->bytes);
    } else {
      s->data = fresh->data;
      fresh->data = nullptr;
    }
    s->device = fresh->device;
    s->dataClass = fresh->dataClass;
    fresh->device = kHost;
    fresh->dataClass = kInline;
  }
  Py_DECREF(fresh);
  return ok;
}

TensorObject *copyTo(PyTypeObject *cls, TensorObject *t, int device) {
  TensorObject *r = newTensorData(cls, specOf(t), device);
  if (r && !copyStorage(r->storage, t->storage, t->nbytes))
    Py_CLEAR(r);
  return r;
}

void settle(const Storage *s, bool allStreams) {
  if (s->device == kHost)
    return;
  const GpuLibrary *gpu = gpuLibrary(); // there, as it has used the memory
  int device = s->device, result;
  Py_BEGIN_ALLOW_THREADS
  result = allStreams ? gpu->quiesce(device) : gpu->synchronize(device);
  Py_END_ALLOW_THREADS
  if (result == CG_GPU_OK)
    return;
  PyObject *type, *value, *trace;
  PyErr_Fetch(&type, &value, &trace);
  raiseGpu(result);
  PyErr_WriteUnraisable(nullptr);
  PyErr_Restore(type, value, trace);
}

bool requireHost(const Storage *s, const char *what) {
  if (s->device == kHost)
    return true;
  char name[32];
  nameDevice(s->device, name, sizeof name);
  PyErr_Format(PyExc_BufferError, "%s: the Tensor is in the memory of %s; asnumpy() copies it%s", what, name,
               isAscend(s->device) ? "" : ", DLPack shares it");
  return false;
}

namespace {

PyObject *none(int result) {
  if (result != CG_GPU_OK)
    return raiseGpu(result), nullptr;
  Py_RETURN_NONE;
}

PyObject *deviceCount(PyObject *, PyObject *arg) {
  const GpuLibrary *gpu = gpuLibrary();
  int count = 0, first;
  if (!gpu || !deviceNumber(arg, &first))
    return nullptr;
  if (int result = gpu->device_count(isAscend(first) ? CG_GPU_ASCEND : CG_GPU_CUDA, &count))
    return none(result);
  return PyLong_FromLong(count);
}

PyObject *describe(PyObject *, PyObject *arg) {
  int number;
  const GpuLibrary *gpu = gpuLibrary();
  cg_gpu_device d;
  if (!gpu || !deviceNumber(arg, &number))
    return nullptr;
  if (int result = gpu->describe(number, &d))
    return none(result);
  return Py_BuildValue("{s:s,s:s,s:L,s:i,s:i}", "name", d.name, "chip", d.chip, "memory_bytes", static_cast<long long>(d.memory_bytes), "processors",
                       int(d.processors), "driver_version", int(d.driver_version));
}

PyObject *setDevice(PyObject *, PyObject *args) {
  PyObject *which;
  int number, variant = 0;
  if (!PyArg_ParseTuple(args, "O|i", &which, &variant) || !deviceNumber(which, &number))
    return nullptr;
  if (number != kHost) { // what is missing is said now and not at the first program
    const GpuLibrary *gpu = gpuLibrary();
    void *stream;
    if (!gpu)
      return nullptr;
    if (int result = gpu->stream(number, &stream))
      return none(result);
  }
  currentDevice = number;
  currentTarget = number + 2 * CG_GPU_ASCEND * variant;
  Py_RETURN_NONE;
}

PyObject *getDevice(PyObject *, PyObject *) { return PyLong_FromLong(currentDevice); }

PyObject *synchronize(PyObject *, PyObject *arg) {
  int number, result;
  if (!deviceNumber(arg, &number))
    return nullptr;
  if (number == kHost)
    Py_RETURN_NONE;
  const GpuLibrary *gpu = gpuLibrary();
  if (!gpu)
    return nullptr;
  Py_BEGIN_ALLOW_THREADS
  result = gpu->synchronize(number);
  Py_END_ALLOW_THREADS
  return none(result);
}

PyObject *setLimit(PyObject *, PyObject *args) {
  PyObject *which;
  int number;
  long long bytes;
  if (!PyArg_ParseTuple(args, "OL", &which, &bytes) || !deviceNumber(which, &number))
    return nullptr;
  const GpuLibrary *gpu = gpuLibrary();
  return gpu ? none(gpu->set_memory_limit(number, bytes)) : nullptr;
}

PyObject *gpuMemory(PyObject *, PyObject *arg) {
  int number;
  const GpuLibrary *gpu = gpuLibrary();
  cg_gpu_memory m;
  if (!gpu || !deviceNumber(arg, &number))
    return nullptr;
  if (int result = gpu->memory_stats(number, &m))
    return none(result);
  return Py_BuildValue("{s:L,s:L,s:L}", "used_bytes", static_cast<long long>(m.used_bytes), "cached_bytes", static_cast<long long>(m.cached_bytes),
                       "peak_bytes", static_cast<long long>(m.peak_bytes));
}

PyObject *gpuEmptyCache(PyObject *, PyObject *arg) {
  int number;
  const GpuLibrary *gpu = gpuLibrary();
  return gpu && deviceNumber(arg, &number) ? none(gpu->empty_cache(number)) : nullptr;
}

PyObject *unload(PyObject *, PyObject *address) {
  void *program = PyLong_AsVoidPtr(address);
  const GpuLibrary *gpu = program ? gpuLibrary() : nullptr;
  if (PyErr_Occurred())
    return nullptr;
  if (gpu)
    gpu->unload(static_cast<cg_gpu_program *>(program));
  Py_RETURN_NONE;
}

} // namespace

PyMethodDef deviceFunctions[] = {
    {"gpu_count", deviceCount, METH_O, "gpu_count(number): how many devices the driver of this one's kind has; GPUs are numbered from 0, Ascend devices from 64."},
    {"gpu_info", describe, METH_O, "gpu_info(number): dict of name, chip, memory_bytes, processors, driver_version."},
    {"gpu_memory_stats", gpuMemory, METH_O, "gpu_memory_stats(number): bytes in use, cached and at the peak."},
    {"gpu_empty_cache", gpuEmptyCache, METH_O, "gpu_empty_cache(number): give cached memory back to the driver."},
    {"gpu_set_memory_limit", setLimit, METH_VARARGS, "gpu_set_memory_limit(number, bytes): the most that Tensors and programs may take; 0: all."},
    {"gpu_unload", unload, METH_O, "gpu_unload(address): take a program's device code away, before its object goes. The address is its cg_gpu_program."},
    {"set_device", setDevice, METH_VARARGS, "set_device(number, variant=0): where programs that are compiled from now on run; -1 is the CPU. variant: one of several chips that the\n"
     "device can be, small and not negative."},
    {"current_device", getDevice, METH_NOARGS, "The number given to set_device."},
    {"synchronize", synchronize, METH_O, "synchronize(number): wait for all work of a GPU."},
    {}};

} // namespace cg
