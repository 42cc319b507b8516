// Storage: the Python object that owns the memory of tensors. Buffer views of tensors hold it, not the tensor, so a tensor
// may take other memory while old views stay valid.
#include "devices.h"

namespace cg {

PyTypeObject *StorageType;

// Larger data has a block of its own, so that it can go when it moves to a GPU.
constexpr size_t kLargestInline = 16 * 1024;

static Storage *allocStorage(size_t payload, size_t bytes) {
  uint16_t sizeClass;
  auto *s = static_cast<Storage *>(allocBlock(kStorageHeader + (payload ? payload : 1), &sizeClass));
  if (!s)
    return nullptr;
  PyObject_Init(reinterpret_cast<PyObject *>(s), StorageType);
  s->data = reinterpret_cast<char *>(s) + kStorageHeader;
  s->bytes = bytes;
  s->pins = 0;
  s->device = kHost;
  s->dataClass = kInline;
  s->owner = nullptr;
  s->buffer = nullptr;
  s->mark = 0;
  s->sizeClass = sizeClass;
  s->readonly = s->borrowed = false;
  return s;
}

Storage *newStorage(size_t bytes, int device) {
  // Small storages of GPUs have room for their data too: they may come back.
  Storage *s = allocStorage(bytes <= kLargestInline ? bytes : 0, bytes);
  if (!s || (device == kHost && bytes <= kLargestInline))
    return s;
  if (device == kHost) {
    if (auto *data = static_cast<char *>(allocBlock(bytes, &s->dataClass))) {
      s->data = data;
      return s;
    }
    s->dataClass = kInline;
  } else if (const GpuLibrary *gpu = gpuLibrary()) {
    void *data;
    int result = gpu->allocate(device, int64_t(bytes), &data);
    if (result == CG_GPU_OK) {
      s->data = static_cast<char *>(data);
      s->device = int16_t(device);
      return s;
    }
    raiseGpu(result);
  }
  Py_DECREF(s);
  return nullptr;
}

void releaseMemory(Storage *s) {
  if (s->device != kHost)
    gpuLibrary()->release(s->device, s->data);
  else if (s->dataClass != kInline)
    freeBlock(s->data, s->dataClass);
}

Storage *borrowStorage(void *data, size_t bytes, PyObject *owner, bool readonly, int device) {
  Storage *s = allocStorage(0, bytes);
  if (!s)
    return nullptr;
  if (data && bytes) // a zero-size tensor keeps the valid pointer into its own block
    s->data = static_cast<char *>(data), s->device = int16_t(device);
  Py_XINCREF(owner);
  s->owner = owner;
  s->readonly = readonly;
  s->borrowed = true;
  return s;
}

static void storageDealloc(PyObject *self) {
  auto *s = reinterpret_cast<Storage *>(self);
  if (s->borrowed)
    settle(s, false); // the owner may use its memory at once, on a stream that knows nothing of ours
  if (s->buffer) {
    PyBuffer_Release(s->buffer);
    PyMem_Free(s->buffer);
  }
  Py_XDECREF(s->owner);
  PyTypeObject *type = Py_TYPE(self);
  if (!s->borrowed)
    releaseMemory(s);
  freeBlock(s, s->sizeClass);
  Py_DECREF(type);
}

int storageGetBuffer(PyObject *self, Py_buffer *view, int flags) {
  auto *s = reinterpret_cast<Storage *>(self);
  view->obj = nullptr;
  if (!requireHost(s, "memoryview") || PyBuffer_FillInfo(view, self, s->data, Py_ssize_t(s->bytes), s->readonly, flags) < 0)
    return -1;
  view->internal = nullptr;
  ++s->pins;
  return 0;
}

// Tensors' views carry their shape in `internal`, allocated by tensorGetBuffer.
static void storageReleaseBuffer(PyObject *self, Py_buffer *view) {
  PyMem_Free(view->internal);
  --reinterpret_cast<Storage *>(self)->pins;
}

static PyObject *getReadonly(PyObject *self, void *) { return PyBool_FromLong(reinterpret_cast<Storage *>(self)->readonly); }
static PyObject *getBorrowed(PyObject *self, void *) { return PyBool_FromLong(reinterpret_cast<Storage *>(self)->borrowed); }
static PyObject *getDevice(PyObject *self, void *) { return PyLong_FromLong(reinterpret_cast<Storage *>(self)->device); }
static Py_ssize_t storageLength(PyObject *self) { return Py_ssize_t(reinterpret_cast<Storage *>(self)->bytes); }

bool initStorageType(PyObject *module) {
  static PyGetSetDef getset[] = {{"readonly", getReadonly, nullptr, "whether the memory must not be written", nullptr},
                                 {"borrowed", getBorrowed, nullptr, "whether another object owns the memory", nullptr},
                                 {"device", getDevice, nullptr, "-1 for memory of the host, else the number of a GPU", nullptr},
                                 {}};
  static PyType_Slot slots[] = {{Py_tp_dealloc, reinterpret_cast<void *>(storageDealloc)},
                                {Py_bf_getbuffer, reinterpret_cast<void *>(storageGetBuffer)},
                                {Py_bf_releasebuffer, reinterpret_cast<void *>(storageReleaseBuffer)},
                                {Py_sq_length, reinterpret_cast<void *>(storageLength)},
                                {Py_tp_getset, getset},
                                {Py_tp_doc, const_cast<char *>("Memory of tensors; exports its bytes by the buffer protocol.")},
                                {}};
  static PyType_Spec spec = {"cellgrad._runtime._core.Storage", sizeof(Storage), 0,
                             Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};
  StorageType = reinterpret_cast<PyTypeObject *>(PyType_FromSpec(&spec));
  return StorageType && PyModule_AddObjectRef(module, "Storage", reinterpret_cast<PyObject *>(StorageType)) == 0;
}

} // namespace cg
