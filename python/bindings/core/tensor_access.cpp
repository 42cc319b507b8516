// TensorBase: getters and methods.
#include "core.h"

namespace cg {

PyObject *shapeTuple(const int64_t *shape, int ndim) {
  PyObject *tuple = PyTuple_New(ndim);
  for (int i = 0; tuple && i < ndim; ++i) {
    PyObject *d = PyLong_FromLongLong(shape[i]);
    if (!d)
      Py_CLEAR(tuple);
    else
      PyTuple_SET_ITEM(tuple, i, d);
  }
  return tuple;
}

void formatSpec(char *buf, size_t n, int dtype, const int64_t *shape, int ndim) {
  size_t at = size_t(snprintf(buf, n, "%s(", dtypeInfo[dtype].name));
  for (int i = 0; i < ndim && at < n; ++i)
    at += size_t(snprintf(buf + at, n - at, i ? ", %lld" : "%lld", static_cast<long long>(shape[i])));
  if (at < n)
    snprintf(buf + at, n - at, ")");
}

Spec specOf(const TensorObject *t) {
  Spec s;
  s.dtype = t->dtype;
  s.ndim = t->ndim;
  s.numel = t->numel;
  s.nbytes = t->nbytes;
  memcpy(s.shape, t->shape, sizeof(s.shape));
  return s;
}

bool requireData(TensorObject *t, const char *what) {
  if (t->storage)
    return true;
  if (t->node)
    PyErr_Format(PyExc_RuntimeError, "%s needs the values of a Tensor, but this Tensor is being traced and has none yet", what);
  else
    PyErr_Format(PyExc_RuntimeError, "%s needs the values of a Tensor, but this Tensor holds no data", what);
  return false;
}

PyTypeObject *classArg(PyObject *cls) {
  if (!cls || cls == Py_None)
    return TensorClass;
  if (!PyType_Check(cls) || !PyType_IsSubtype(reinterpret_cast<PyTypeObject *>(cls), TensorBaseType)) {
    PyErr_SetString(PyExc_TypeError, "cls must be a subclass of TensorBase");
    return nullptr;
  }
  return reinterpret_cast<PyTypeObject *>(cls);
}

#define SELF TensorObject *t = asTensor(self)
static PyObject *getShape(PyObject *self, void *) { SELF; return shapeTuple(t->shape, t->ndim); }
static PyObject *getDType(PyObject *self, void *) { SELF; return Py_NewRef(dtypeObject(t->dtype)); }
static PyObject *getNdim(PyObject *self, void *) { SELF; return PyLong_FromLong(t->ndim); }
static PyObject *getSize(PyObject *self, void *) { SELF; return PyLong_FromLongLong(t->numel); }
static PyObject *getNbytes(PyObject *self, void *) { SELF; return PyLong_FromSize_t(t->nbytes); }
static PyObject *getItemsize(PyObject *self, void *) { SELF; return PyLong_FromLong(dtypeInfo[t->dtype].itemsize); }
static PyObject *getHasData(PyObject *self, void *) { SELF; return PyBool_FromLong(t->storage != nullptr); }
static PyObject *getStorage(PyObject *self, void *) {
  SELF;
  return Py_NewRef(t->storage ? reinterpret_cast<PyObject *>(t->storage) : Py_None);
}
static PyObject *getNode(PyObject *self, void *) { SELF; return Py_NewRef(t->node ? t->node : Py_None); }
static int setNode(PyObject *self, PyObject *value, void *) {
  SELF;
  value = value == Py_None ? nullptr : value;
  Py_XINCREF(value);
  Py_XSETREF(t->node, value);
  if (value && !PyObject_GC_IsTracked(self))
    PyObject_GC_Track(self);
  return 0;
}

static PyObject *dataPtr(PyObject *self, PyObject *) {
  SELF;
  return requireData(t, "data_ptr()") ? PyLong_FromVoidPtr(dataOf(t)) : nullptr;
}

static TensorObject *tensorArg(PyObject *arg, const char *what) {
  if (isTensor(arg))
    return asTensor(arg);
  PyErr_Format(PyExc_TypeError, "%s takes a Tensor, got %.200s", what, Py_TYPE(arg)->tp_name);
  return nullptr;
}

static PyObject *setFrom(PyObject *self, PyObject *arg) {
  SELF;
  TensorObject *o = tensorArg(arg, "_set_from");
  if (!o || !requireData(t, "writing into a Tensor") || !requireData(o, "reading a Tensor"))
    return nullptr;
  if (!matches(t, specOf(o))) {
    char have[256], want[256];
    formatSpec(have, sizeof have, o->dtype, o->shape, o->ndim);
    formatSpec(want, sizeof want, t->dtype, t->shape, t->ndim);
    PyErr_Format(PyExc_ValueError, "cannot write a Tensor %s into a Tensor %s", have, want);
    return nullptr;
  }
  if (t->storage->readonly) {
    PyErr_SetString(PyExc_ValueError, "cannot write into a Tensor that shares read-only memory");
    return nullptr;
  }
  if (!copyStorage(t->storage, o->storage, t->nbytes))
    return nullptr;
  Py_RETURN_NONE;
}

static PyObject *rebind(PyObject *self, PyObject *arg) {
  SELF;
  TensorObject *o = tensorArg(arg, "_rebind");
  if (!o || !requireData(o, "reading a Tensor"))
    return nullptr;
  Storage *old = t->storage;
  Py_INCREF(o->storage);
  t->storage = o->storage;
  t->numel = o->numel;
  t->nbytes = o->nbytes;
  t->dtype = o->dtype;
  t->ndim = o->ndim;
  memmove(t->shape, o->shape, sizeof(t->shape));
  Py_XDECREF(old);
  Py_RETURN_NONE;
}

static int16_t deviceOf(const TensorObject *t) { return t->storage ? t->storage->device : int16_t(kHost); }
static PyObject *getDeviceNumber(PyObject *self, void *) { SELF; return PyLong_FromLong(deviceOf(t)); }

// Where the data are needed by the host for reading and writing: the storage itself comes back, with all Tensors on it.
static PyObject *place(PyObject *self, PyObject *arg) {
  SELF;
  int device;
  if (!deviceNumber(arg, &device) || !requireData(t, "moving"))
    return nullptr;
  Storage *s = t->storage;
  Py_INCREF(s);
  bool ok = !movable(s) || moveStorage(s, device);
  if (ok && s->device != device) {
    PyErr_SetString(PyExc_ValueError, "a Tensor that shares its memory with others (an array, DLPack, a running program) stays where it is; copy it");
    ok = false;
  }
  Py_DECREF(s);
  if (!ok)
    return nullptr;
  Py_RETURN_NONE;
}
static PyObject *to(PyObject *self, PyObject *arg) {
  SELF;
  int device;
  if (!deviceNumber(arg, &device) || !requireData(t, "moving"))
    return nullptr;
  return reinterpret_cast<PyObject *>(copyTo(TensorClass, t, device));
}

static TensorObject *copyAs(PyTypeObject *cls, TensorObject *t) {
  if (!requireData(t, "copying"))
    return nullptr;
  return copyTo(cls, t, t->storage->device);
}
static PyObject *copy(PyObject *self, PyObject *) { return reinterpret_cast<PyObject *>(copyAs(TensorClass, asTensor(self))); }

static PyObject *alias(PyObject *self, PyObject *shape) {
  SELF;
  Spec s;
  if (!requireData(t, "_alias") || !parseSpec(dtypeObject(t->dtype), shape, &s))
    return nullptr;
  if (s.numel != t->numel) {
    PyErr_Format(PyExc_ValueError, "cannot view a Tensor of %lld elements as shape %R", static_cast<long long>(t->numel), shape);
    return nullptr;
  }
  Py_INCREF(t->storage);
  return reinterpret_cast<PyObject *>(newTensor(TensorClass, s, t->storage));
}

static PyObject *item(PyObject *self, PyObject *) {
  SELF;
  if (!requireData(t, "item()"))
    return nullptr;
  if (t->numel != 1) {
    PyErr_Format(PyExc_ValueError, "The tensor should have only one element, but got %lld, %s.",
                 static_cast<long long>(t->numel), t->numel ? "more than one element is ambiguous" : "it is empty");
    return nullptr;
  }
  char value[8];
  return readStorage(t->storage, value, t->nbytes) ? loadScalar(value, t->dtype) : nullptr;
}

// The instance dict of a subclass that has one (Parameter), else None; a new reference.
static PyObject *instanceDict(PyObject *self) {
  PyObject *d = PyObject_GetAttrString(self, "__dict__");
  if (d)
    return d;
  PyErr_Clear();
  return Py_NewRef(Py_None);
}

static PyObject *reduce(PyObject *self, PyObject *) {
  SELF;
  if (!requireData(t, "pickling"))
    return nullptr;
  PyObject *module = PyImport_ImportModule("cellgrad._runtime._core");
  PyObject *rebuild = module ? PyObject_GetAttrString(module, "_rebuild") : nullptr;
  Py_XDECREF(module);
  PyObject *bytes = rebuild ? PyBytes_FromStringAndSize(nullptr, Py_ssize_t(t->nbytes)) : nullptr;
  if (!bytes || !readStorage(t->storage, PyBytes_AS_STRING(bytes), t->nbytes)) {
    Py_XDECREF(bytes);
    Py_XDECREF(rebuild);
    return nullptr;
  }
  return Py_BuildValue("N(OiNN)N", rebuild, Py_TYPE(self), int(t->dtype), shapeTuple(t->shape, t->ndim), bytes, instanceDict(self));
}

static PyObject *duplicate(PyObject *self, PyObject *memo) {
  TensorObject *r = copyAs(Py_TYPE(self), asTensor(self));
  if (!r)
    return nullptr;
  PyObject *result = reinterpret_cast<PyObject *>(r), *dict = instanceDict(self);
  PyObject *id = memo ? PyLong_FromVoidPtr(self) : nullptr;
  bool ok = !memo || (id && PyObject_SetItem(memo, id, result) == 0);
  Py_XDECREF(id);
  if (ok && dict != Py_None) {
    PyObject *fresh = nullptr;
    if (memo) {
      PyObject *module = PyImport_ImportModule("copy");
      fresh = module ? PyObject_CallMethod(module, "deepcopy", "OO", dict, memo) : nullptr;
      Py_XDECREF(module);
    } else {
      fresh = PyDict_Copy(dict);
    }
    ok = fresh && PyObject_SetAttrString(result, "__dict__", fresh) == 0;
    Py_XDECREF(fresh);
  }
  Py_DECREF(dict);
  if (!ok)
    Py_CLEAR(result);
  return result;
}
static PyObject *copyShallow(PyObject *self, PyObject *) { return duplicate(self, nullptr); }
static PyObject *copyDeep(PyObject *self, PyObject *memo) { return duplicate(self, PyDict_Check(memo) ? memo : nullptr); }

#define FAST(f) reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)(void)>(f))
PyMethodDef tensorMethods[] = {
    {"data_ptr", dataPtr, METH_NOARGS, "Address of the first element, as an int."},
    {"_set_from", setFrom, METH_O, "Write the values of another Tensor of the same dtype and shape into this one's memory."},
    {"_rebind", rebind, METH_O, "Take the memory, dtype and shape of another Tensor."},
    {"_copy", copy, METH_NOARGS, "A new Tensor of the registered class with its own memory."},
    {"_place", place, METH_O, "Move the memory itself to a device (-1: the host), with all Tensors that share it."},
    {"_to", to, METH_O, "A new Tensor with a copy of the data on a device (-1: the host)."},
    {"_alias", alias, METH_O, "A Tensor of another shape on the same memory."},
    {"_item", item, METH_NOARGS, "The value of a one-element Tensor as a Python scalar."},
    {"__reduce__", reduce, METH_NOARGS, nullptr},
    {"__copy__", copyShallow, METH_NOARGS, nullptr},
    {"__deepcopy__", copyDeep, METH_O, nullptr},
    {"__dlpack__", FAST(tensorDLPack), METH_FASTCALL | METH_KEYWORDS, "Export as a DLPack capsule, without a copy."},
    {"__dlpack_device__", tensorDLPackDevice, METH_NOARGS, "(1, 0): CPU memory."},
    {}};
PyGetSetDef tensorGetSet[] = {{"shape", getShape, nullptr, "tuple of int", nullptr},
                              {"dtype", getDType, nullptr, "element type", nullptr},
                              {"ndim", getNdim, nullptr, "number of dimensions", nullptr},
                              {"size", getSize, nullptr, "number of elements", nullptr},
                              {"nbytes", getNbytes, nullptr, "number of bytes of the elements", nullptr},
                              {"itemsize", getItemsize, nullptr, "bytes of one element", nullptr},
                              {"_has_data", getHasData, nullptr, nullptr, nullptr},
                              {"_storage", getStorage, nullptr, nullptr, nullptr},
                              {"_device", getDeviceNumber, nullptr, "-1 for memory of the host, else the number of a GPU", nullptr},
                              {"_node", getNode, setNode, "the traced value, or None", nullptr},
                              {}};

} // namespace cg
