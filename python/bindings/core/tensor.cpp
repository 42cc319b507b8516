// TensorBase: allocation, destruction, the buffer protocol, copying and pickling.
#include "core.h"
#include <structmember.h>

namespace cg {

PyTypeObject *TensorBaseType;
PyTypeObject *TensorClass;

// Dead tensors of the registered class, kept for reuse.
static TensorObject *freeTensors[256];
static int numFree;

static void fill(TensorObject *t, const Spec &spec, Storage *storage) {
  t->weakrefs = nullptr;
  t->node = nullptr;
  t->storage = storage;
  t->numel = spec.numel;
  t->nbytes = spec.nbytes;
  t->dtype = spec.dtype;
  t->ndim = spec.ndim;
  memcpy(t->shape, spec.shape, sizeof(int64_t) * spec.ndim);
}

TensorObject *newTensor(PyTypeObject *cls, const Spec &spec, Storage *storage) {
  TensorObject *t;
  if (cls == TensorClass && numFree) {
    t = freeTensors[--numFree];
    PyObject_Init(reinterpret_cast<PyObject *>(t), cls);
  } else if (cls == TensorClass && cls->tp_basicsize == sizeof(TensorObject)) {
    // Not tracked by the garbage collector: data tensors refer to nothing that could refer back. Setting _node tracks.
    t = PyObject_GC_New(TensorObject, cls);
  } else {
    t = asTensor(cls->tp_alloc(cls, 0));
  }
  if (!t) {
    Py_XDECREF(storage);
    return nullptr;
  }
  fill(t, spec, storage);
  return t;
}

TensorObject *newTensorData(PyTypeObject *cls, const Spec &spec, int device) {
  Storage *s = newStorage(spec.nbytes, device);
  return s ? newTensor(cls, spec, s) : nullptr;
}

static PyObject *tensorNew(PyTypeObject *cls, PyObject *, PyObject *) {
  Spec scalar = {};
  scalar.numel = 1;
  scalar.nbytes = 4;
  scalar.dtype = F32;
  return reinterpret_cast<PyObject *>(newTensor(cls, scalar, nullptr));
}

static void tensorDealloc(PyObject *self) {
  TensorObject *t = asTensor(self);
  PyTypeObject *type = Py_TYPE(self);
  if (type->tp_finalize && type->tp_dealloc == tensorDealloc && PyObject_CallFinalizerFromDealloc(self) < 0)
    return; // resurrected
  PyObject_GC_UnTrack(self);
  if (t->weakrefs)
    PyObject_ClearWeakRefs(self);
  Py_CLEAR(t->node);
  Storage *s = t->storage;
  t->storage = nullptr;
  Py_XDECREF(s);
  if (type == TensorClass && type->tp_basicsize == sizeof(TensorObject) && numFree < 256)
    freeTensors[numFree++] = t;
  else
    type->tp_free(self);
  Py_DECREF(type);
}

static int tensorTraverse(PyObject *self, visitproc visit, void *arg) {
  Py_VISIT(asTensor(self)->node);
  Py_VISIT(Py_TYPE(self));
  return 0;
}

static int tensorClear(PyObject *self) {
  Py_CLEAR(asTensor(self)->node);
  return 0;
}

static int tensorGetBuffer(PyObject *self, Py_buffer *view, int flags) {
  TensorObject *t = asTensor(self);
  const DTypeInfo &info = dtypeInfo[t->dtype];
  view->obj = nullptr;
  if (!t->storage) {
    PyErr_SetString(PyExc_BufferError, "a traced or unset Tensor has no memory to export");
    return -1;
  }
  if (!requireHost(t->storage, "memoryview"))
    return -1;
  if (!info.format && (flags & PyBUF_FORMAT) == PyBUF_FORMAT) {
    PyErr_Format(PyExc_BufferError, "%s has no buffer format; use asnumpy() or DLPack", info.name);
    return -1;
  }
  if ((flags & PyBUF_WRITABLE) && t->storage->readonly) {
    PyErr_SetString(PyExc_BufferError, "the Tensor shares read-only memory");
    return -1;
  }
  if ((flags & PyBUF_F_CONTIGUOUS) == PyBUF_F_CONTIGUOUS && t->ndim > 1) {
    PyErr_SetString(PyExc_BufferError, "Tensors are stored in row-major order");
    return -1;
  }
  auto *dims = static_cast<Py_ssize_t *>(PyMem_Malloc(sizeof(Py_ssize_t) * 2 * kMaxDims));
  if (!dims) {
    PyErr_NoMemory();
    return -1;
  }
  Py_ssize_t stride = info.itemsize;
  for (int i = t->ndim - 1; i >= 0; --i) {
    dims[i] = t->shape[i];
    dims[kMaxDims + i] = stride;
    stride *= t->shape[i];
  }
  view->buf = dataOf(t);
  view->obj = Py_NewRef(reinterpret_cast<PyObject *>(t->storage));
  view->len = Py_ssize_t(t->nbytes);
  view->itemsize = info.itemsize;
  view->readonly = t->storage->readonly;
  view->ndim = (flags & PyBUF_ND) ? t->ndim : 1;
  view->format = (flags & PyBUF_FORMAT) ? const_cast<char *>(info.format) : nullptr;
  view->shape = (flags & PyBUF_ND) ? dims : nullptr;
  view->strides = (flags & PyBUF_STRIDES) == PyBUF_STRIDES ? dims + kMaxDims : nullptr;
  view->suboffsets = nullptr;
  view->internal = dims;
  ++t->storage->pins;
  return 0;
}

// Present so that consumers which ask for the bytes only (numpy.frombuffer) hold a memoryview, and with it the storage.
static void tensorReleaseBuffer(PyObject *, Py_buffer *) {}

static PyObject *setTensorClass(PyObject *, PyObject *arg) {
  if (!PyType_Check(arg) || !PyType_IsSubtype(reinterpret_cast<PyTypeObject *>(arg), TensorBaseType)) {
    PyErr_SetString(PyExc_TypeError, "set_tensor_class takes a subclass of TensorBase");
    return nullptr;
  }
  auto *cls = reinterpret_cast<PyTypeObject *>(arg);
  if (cls->tp_basicsize != sizeof(TensorObject)) {
    PyErr_SetString(PyExc_TypeError, "the Tensor class must declare __slots__ = ()");
    return nullptr;
  }
  while (numFree)
    PyObject_GC_Del(freeTensors[--numFree]);
  Py_INCREF(arg);
  Py_SETREF(TensorClass, cls);
  // The generic destructor of Python classes would find nothing more to do; calling ours directly saves its walk.
  cls->tp_dealloc = tensorDealloc;
  Py_RETURN_NONE;
}

bool initTensorType(PyObject *module) {
  static PyMemberDef members[] = {{"__weaklistoffset__", T_PYSSIZET, offsetof(TensorObject, weakrefs), READONLY, nullptr}, {}};
  static PyType_Slot slots[] = {
      {Py_tp_new, reinterpret_cast<void *>(tensorNew)},
      {Py_tp_dealloc, reinterpret_cast<void *>(tensorDealloc)},
      {Py_tp_traverse, reinterpret_cast<void *>(tensorTraverse)},
      {Py_tp_clear, reinterpret_cast<void *>(tensorClear)},
      {Py_bf_getbuffer, reinterpret_cast<void *>(tensorGetBuffer)},
      {Py_bf_releasebuffer, reinterpret_cast<void *>(tensorReleaseBuffer)},
      {Py_tp_methods, tensorMethods},
      {Py_tp_getset, tensorGetSet},
      {Py_tp_members, members},
      {Py_tp_doc, const_cast<char *>("Base of Tensor: dtype, shape and memory, or a traced value. See docs/design/call-path.md.")},
      {}};
  static PyType_Spec spec = {"cellgrad._runtime._core.TensorBase", sizeof(TensorObject), 0,
                             Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, slots};
  TensorBaseType = reinterpret_cast<PyTypeObject *>(PyType_FromSpec(&spec));
  if (!TensorBaseType)
    return false;
  Py_INCREF(TensorBaseType);
  TensorClass = TensorBaseType;
  static PyMethodDef functions[] = {
      {"set_tensor_class", setTensorClass, METH_O, "Declare the class of the Tensors that this module makes."}, {}};
  return PyModule_AddFunctions(module, functions) == 0 &&
         PyModule_AddObjectRef(module, "TensorBase", reinterpret_cast<PyObject *>(TensorBaseType)) == 0;
}

} // namespace cg
