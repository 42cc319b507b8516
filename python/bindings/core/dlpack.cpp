// DLPack exchange, written from the DLPack 1.0 specification: plain and versioned capsules, memory of the CPU and of GPUs.
#include "devices.h"

namespace cg {
namespace {

struct DLDevice {
  int32_t type, id;
};
struct DLTensor {
  void *data;
  DLDevice device;
  int32_t ndim;
  struct {
    uint8_t code, bits;
    uint16_t lanes;
  } dtype;
  int64_t *shape, *strides;
  uint64_t byteOffset;
};
struct Managed {
  DLTensor tensor;
  void *context;
  void (*deleter)(Managed *);
};
struct ManagedVersioned {
  uint32_t major, minor;
  void *context;
  void (*deleter)(ManagedVersioned *);
  uint64_t flags; // bit 0: read only, bit 1: copied
  DLTensor tensor;
};
constexpr int32_t kCPU = 1, kCUDA = 2, kCUDAHost = 3;
constexpr size_t kDeviceAlign = 16; // what kernels of GPUs may rely on (cellgrad_gpu.h)

DLDevice placeOf(const Storage *s) { return s->device == kHost ? DLDevice{kCPU, 0} : DLDevice{kCUDA, s->device}; }

// False with an exception: the memory is of a kind that DLPack has no number for.
bool shareable(const Storage *s) {
  if (!isAscend(s->device))
    return true;
  char name[32];
  nameDevice(s->device, name, sizeof name);
  PyErr_Format(PyExc_BufferError, "the Tensor is in the memory of %s, which DLPack cannot describe; copy it first: to(\"CPU\") or asnumpy()", name);
  return false;
}

template <typename M> constexpr const char *capsuleName();
template <> constexpr const char *capsuleName<Managed>() { return "dltensor"; }
template <> constexpr const char *capsuleName<ManagedVersioned>() { return "dltensor_versioned"; }
template <typename M> constexpr const char *usedName();
template <> constexpr const char *usedName<Managed>() { return "used_dltensor"; }
template <> constexpr const char *usedName<ManagedVersioned>() { return "used_dltensor_versioned"; }

// What an export owns: the message, the shape and strides, and a reference of the storage.
template <typename M> struct Export {
  M managed;
  int64_t dims[2 * kMaxDims];
};

template <typename M> void deleteExport(M *m) {
  if (!Py_IsInitialized())
    return;
  PyGILState_STATE gil = PyGILState_Ensure();
  auto *s = static_cast<Storage *>(m->context);
  settle(s, true); // the consumer's stream is not known here, and our memory is given out again at once
  --s->pins;
  Py_DECREF(static_cast<PyObject *>(m->context));
  PyGILState_Release(gil);
  delete reinterpret_cast<Export<M> *>(m);
}

template <typename M> void dropCapsule(PyObject *capsule) {
  if (!PyCapsule_IsValid(capsule, capsuleName<M>()))
    return; // consumed: the consumer calls the deleter
  auto *m = static_cast<M *>(PyCapsule_GetPointer(capsule, capsuleName<M>()));
  m->deleter(m);
}

template <typename M> PyObject *exportTensor(TensorObject *t, M **out) {
  auto *e = new Export<M>();
  int64_t stride = 1;
  for (int i = t->ndim - 1; i >= 0; --i) {
    e->dims[i] = t->shape[i];
    e->dims[kMaxDims + i] = stride;
    stride *= t->shape[i];
  }
  DLTensor &d = e->managed.tensor;
  d.data = dataOf(t);
  d.device = placeOf(t->storage);
  d.ndim = t->ndim;
  d.dtype = {dtypeInfo[t->dtype].dlCode, dtypeInfo[t->dtype].dlBits, 1};
  d.shape = e->dims;
  d.strides = e->dims + kMaxDims;
  e->managed.context = Py_NewRef(reinterpret_cast<PyObject *>(t->storage));
  ++t->storage->pins;
  e->managed.deleter = deleteExport<M>;
  *out = &e->managed;
  PyObject *capsule = PyCapsule_New(&e->managed, capsuleName<M>(), dropCapsule<M>);
  if (!capsule)
    deleteExport<M>(&e->managed);
  return capsule;
}

// An import holds the producer's message in a capsule of ours, released with the storage.
template <typename M> void dropImport(PyObject *capsule) {
  auto *m = static_cast<M *>(PyCapsule_GetPointer(capsule, "cellgrad.dlpack"));
  if (m && m->deleter)
    m->deleter(m);
}

int dtypeOf(const DLTensor &d) {
  for (int i = 0; i < kNumDTypes; ++i)
    if (dtypeInfo[i].dlCode == d.dtype.code && dtypeInfo[i].dlBits == d.dtype.bits && d.dtype.lanes == 1)
      return i;
  PyErr_Format(PyExc_TypeError, "from_dlpack: elements of DLPack type code %d with %d bits and %d lanes are not supported by cellgrad",
               d.dtype.code, d.dtype.bits, d.dtype.lanes);
  return -1;
}

void copyStrided(char *dst, const char *src, const DLTensor &d, int dim, size_t itemsize, size_t inner) {
  if (dim == d.ndim) {
    memcpy(dst, src, itemsize);
    return;
  }
  size_t step = d.shape[dim] ? inner / size_t(d.shape[dim]) : 0;
  for (int64_t i = 0; i < d.shape[dim]; ++i)
    copyStrided(dst + size_t(i) * step, src + i * d.strides[dim] * int64_t(itemsize), d, dim + 1, itemsize, step);
}

template <typename M> PyObject *importCapsule(PyObject *capsule, PyTypeObject *cls, bool readonly) {
  auto *m = static_cast<M *>(PyCapsule_GetPointer(capsule, capsuleName<M>()));
  if (!m)
    return nullptr;
  const DLTensor &d = m->tensor;
  int device = d.device.type == kCUDA ? d.device.id : kHost;
  if (d.device.type == kCUDA && (device < 0 || isAscend(device))) {
    PyErr_Format(PyExc_BufferError, "from_dlpack: there is no GPU %d", device);
    return nullptr;
  }
  if (d.device.type != kCPU && d.device.type != kCUDAHost && d.device.type != kCUDA) {
    PyErr_Format(PyExc_BufferError, "from_dlpack: memory of DLPack device type %d is neither the CPU's nor a CUDA device's; copy it to the CPU first",
                 d.device.type);
    return nullptr;
  }
  int code = dtypeOf(d);
  if (code < 0)
    return nullptr;
  PyObject *shape = d.ndim <= kMaxDims ? shapeTuple(d.shape, d.ndim) : PyTuple_New(0);
  Spec spec;
  bool ok = shape && parseSpec(dtypeObject(code), shape, &spec);
  Py_XDECREF(shape);
  if (ok && d.ndim > kMaxDims) {
    PyErr_Format(PyExc_ValueError, "a Tensor has at most %d dimensions, got %d", kMaxDims, d.ndim);
    ok = false;
  }
  if (!ok)
    return nullptr;
  size_t itemsize = dtypeInfo[code].itemsize;
  auto *data = static_cast<char *>(d.data) + d.byteOffset;
  bool contiguous = true;
  int64_t expected = 1;
  for (int i = d.ndim - 1; d.strides && i >= 0; --i) {
    contiguous &= d.shape[i] == 1 || d.strides[i] == expected;
    expected *= d.shape[i];
  }
  if (spec.numel && !contiguous && device != kHost) {
    PyErr_SetString(PyExc_BufferError, "from_dlpack: the memory of the GPU's tensor is not contiguous (row major); make it so first (contiguous())");
    return nullptr;
  }
  if (spec.numel && (!contiguous || reinterpret_cast<uintptr_t>(data) % (device == kHost ? itemsize : kDeviceAlign))) {
    TensorObject *t = newTensorData(cls, spec, device);
    if (t && device != kHost) {
      const GpuLibrary *gpu = gpuLibrary();
      int result = gpu->move(device, dataOf(t), data, int64_t(spec.nbytes));
      if (!result)
        result = gpu->synchronize(device); // the producer frees its memory on a stream that knows nothing of ours
      if (result) {
        raiseGpu(result);
        Py_CLEAR(t);
      }
    } else if (t && d.strides)
      copyStrided(dataOf(t), data, d, 0, itemsize, spec.nbytes);
    else if (t)
      memcpy(dataOf(t), data, spec.nbytes);
    return reinterpret_cast<PyObject *>(t); // the capsule stays unconsumed and frees the producer's memory itself
  }
  PyObject *owner = PyCapsule_New(m, "cellgrad.dlpack", dropImport<M>);
  if (!owner)
    return nullptr;
  PyCapsule_SetName(capsule, usedName<M>());
  Storage *s = borrowStorage(data, spec.nbytes, owner, readonly, device);
  Py_DECREF(owner);
  return s ? reinterpret_cast<PyObject *>(newTensor(cls, spec, s)) : nullptr;
}

} // namespace

PyObject *tensorDLPackDevice(PyObject *self, PyObject *) {
  TensorObject *t = asTensor(self);
  if (!requireData(t, "__dlpack_device__") || !shareable(t->storage))
    return nullptr;
  DLDevice place = placeOf(t->storage);
  return Py_BuildValue("ii", int(place.type), int(place.id));
}

PyObject *tensorDLPack(PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *kwnames) {
  TensorObject *t = asTensor(self);
  if (n) {
    PyErr_SetString(PyExc_TypeError, "__dlpack__ takes keyword arguments only");
    return nullptr;
  }
  if (!requireData(t, "__dlpack__") || !shareable(t->storage))
    return nullptr;
  bool versioned = false, copy = false;
  long stream = 1; // CUDA's default stream, which None stands for; -1: the consumer needs no order
  for (Py_ssize_t i = 0; kwnames && i < PyTuple_GET_SIZE(kwnames); ++i) {
    const char *key = PyUnicode_AsUTF8(PyTuple_GET_ITEM(kwnames, i));
    PyObject *value = args[n + i];
    if (!key)
      return nullptr;
    if (value == Py_None)
      continue;
    if (!strcmp(key, "max_version")) {
      PyObject *major = PySequence_GetItem(value, 0);
      versioned = major && PyLong_AsLong(major) >= 1;
      Py_XDECREF(major);
    } else if (!strcmp(key, "copy")) {
      copy = PyObject_IsTrue(value) == 1;
    } else if (!strcmp(key, "dl_device")) {
      PyObject *type = PySequence_GetItem(value, 0), *id = type ? PySequence_GetItem(value, 1) : nullptr;
      DLDevice place = placeOf(t->storage);
      if (id && (PyLong_AsLong(type) != place.type || PyLong_AsLong(id) != place.id) && !PyErr_Occurred())
        PyErr_Format(PyExc_BufferError, "__dlpack__: the Tensor lives on device (%d, %d), not on %S; move it first with to()", int(place.type),
                     int(place.id), value);
      Py_XDECREF(type);
      Py_XDECREF(id);
    } else if (!strcmp(key, "stream")) {
      stream = PyLong_AsLong(value);
      if (!PyErr_Occurred() && t->storage->device != kHost && (stream == 0 || stream < -1))
        PyErr_Format(PyExc_ValueError, "__dlpack__: %ld is not a stream; 1 is CUDA's default stream, -1 asks for no synchronisation", stream);
    } else {
      PyErr_Format(PyExc_TypeError, "__dlpack__ got an unexpected keyword argument '%s'", key);
    }
    if (PyErr_Occurred())
      return nullptr;
  }
  if (t->storage->readonly && !versioned && !copy) {
    PyErr_SetString(PyExc_BufferError, "__dlpack__: read-only memory needs a consumer of DLPack 1.0 or later");
    return nullptr;
  }
  TensorObject *fresh = nullptr;
  if (copy) {
    if (!(fresh = copyTo(TensorClass, t, t->storage->device)))
      return nullptr;
    t = fresh;
  }
  if (t->storage->device != kHost && stream != -1)
    if (int result = gpuLibrary()->let_wait(t->storage->device, reinterpret_cast<void *>(stream))) {
      Py_XDECREF(reinterpret_cast<PyObject *>(fresh));
      raiseGpu(result);
      return nullptr;
    }
  PyObject *capsule;
  if (versioned) {
    ManagedVersioned *m;
    if ((capsule = exportTensor(t, &m))) {
      m->major = 1;
      m->minor = 0;
      m->flags = (t->storage->readonly ? 1 : 0) | (copy ? 2 : 0);
    }
  } else {
    Managed *m;
    capsule = exportTensor(t, &m);
  }
  Py_XDECREF(reinterpret_cast<PyObject *>(fresh));
  return capsule;
}

// The stream that a producer's memory is to be ready on: ours, where it is a GPU's. False: an exception is set.
static bool consumerStream(PyObject *producer, PyObject *kw) {
  PyObject *place = PyObject_CallMethod(producer, "__dlpack_device__", nullptr);
  int type = kCPU, id;
  if (!place && PyErr_ExceptionMatches(PyExc_AttributeError)) {
    PyErr_Clear(); // all that exchange memory of devices have it
    return true;
  }
  if (place && !PyTuple_Check(place))
    PyErr_Format(PyExc_TypeError, "from_dlpack: __dlpack_device__ gave %.200s instead of two numbers", Py_TYPE(place)->tp_name);
  bool ok = place && PyTuple_Check(place) && PyArg_ParseTuple(place, "ii", &type, &id);
  Py_XDECREF(place);
  if (!ok || type != kCUDA)
    return ok;
  if (id < 0 || isAscend(id)) {
    PyErr_Format(PyExc_BufferError, "from_dlpack: there is no GPU %d", id);
    return false;
  }
  const GpuLibrary *gpu = gpuLibrary();
  void *stream;
  if (!gpu)
    return false;
  if (int result = gpu->stream(id, &stream))
    return raiseGpu(result);
  PyObject *number = PyLong_FromVoidPtr(stream);
  ok = number && PyDict_SetItemString(kw, "stream", number) == 0;
  Py_XDECREF(number);
  return ok;
}

// A capsule that came without its producer is ready on CUDA's default stream.
template <typename M> static bool orderAfterProducer(PyObject *capsule) {
  auto *m = static_cast<M *>(PyCapsule_GetPointer(capsule, capsuleName<M>()));
  if (m->tensor.device.type != kCUDA)
    return true;
  if (m->tensor.device.id < 0 || isAscend(m->tensor.device.id))
    return true; // importCapsule refuses it
  const GpuLibrary *gpu = gpuLibrary();
  int result = gpu ? gpu->wait_for(m->tensor.device.id, reinterpret_cast<void *>(1)) : 0;
  return gpu && (!result || raiseGpu(result));
}

PyObject *fromDLPack(PyObject *, PyObject *const *args, Py_ssize_t n) {
  PyTypeObject *cls;
  if (n < 1 || n > 2) {
    PyErr_SetString(PyExc_TypeError, "from_dlpack takes an object with __dlpack__ or a capsule, and optionally a class");
    return nullptr;
  }
  if (!(cls = classArg(n > 1 ? args[1] : nullptr)))
    return nullptr;
  PyObject *capsule;
  if (PyCapsule_CheckExact(args[0])) {
    capsule = Py_NewRef(args[0]);
  } else {
    PyObject *method = PyObject_GetAttrString(args[0], "__dlpack__");
    if (!method) {
      if (PyErr_ExceptionMatches(PyExc_AttributeError))
        PyErr_Format(PyExc_TypeError, "from_dlpack takes an object with __dlpack__ or a DLPack capsule, got %.200s",
                     Py_TYPE(args[0])->tp_name);
      return nullptr;
    }
    PyObject *empty = PyTuple_New(0), *kw = Py_BuildValue("{s:(ii)}", "max_version", 1, 0);
    bool known = empty && kw && consumerStream(args[0], kw);
    capsule = known ? PyObject_Call(method, empty, kw) : nullptr;
    if (known && !capsule && PyErr_ExceptionMatches(PyExc_TypeError)) { // a producer from before DLPack 1.0
      PyErr_Clear();
      if (PyDict_DelItemString(kw, "max_version") == 0)
        capsule = PyObject_Call(method, empty, kw);
    }
    Py_XDECREF(empty);
    Py_XDECREF(kw);
    Py_DECREF(method);
    if (!capsule)
      return nullptr;
  }
  PyObject *result = nullptr;
  bool alone = capsule == args[0];
  if (PyCapsule_IsValid(capsule, capsuleName<ManagedVersioned>())) {
    auto *m = static_cast<ManagedVersioned *>(PyCapsule_GetPointer(capsule, capsuleName<ManagedVersioned>()));
    if (m->major != 1)
      PyErr_Format(PyExc_BufferError, "from_dlpack: DLPack version %u is not known, only 1", m->major);
    else if (!alone || orderAfterProducer<ManagedVersioned>(capsule))
      result = importCapsule<ManagedVersioned>(capsule, cls, m->flags & 1);
  } else if (PyCapsule_IsValid(capsule, capsuleName<Managed>())) {
    if (!alone || orderAfterProducer<Managed>(capsule))
      result = importCapsule<Managed>(capsule, cls, false);
  } else {
    PyErr_SetString(PyExc_TypeError, "from_dlpack: not a DLPack capsule, or one that was already consumed");
  }
  Py_DECREF(capsule);
  return result;
}

} // namespace cg
