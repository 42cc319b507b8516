// Making tensors: empty, zeros, from a buffer, from a Python number; reading and writing single elements.
#include "core.h"

#include <cmath>

namespace cg {

bool parseSpec(PyObject *dtype, PyObject *shape, Spec *out) {
  int code = dtypeFromPython(dtype);
  if (code < 0)
    return false;
  out->dtype = uint8_t(code);
  memset(out->shape, 0, sizeof(out->shape));
  PyObject *seq = PySequence_Fast(shape, "a shape is a tuple or list of int");
  if (!seq)
    return false;
  Py_ssize_t n = PySequence_Fast_GET_SIZE(seq);
  bool ok = n <= kMaxDims;
  if (!ok)
    PyErr_Format(PyExc_ValueError, "a Tensor has at most %d dimensions, got shape %R", kMaxDims, shape);
  int64_t numel = 1;
  size_t bytes = dtypeInfo[code].itemsize;
  for (Py_ssize_t i = 0; ok && i < n; ++i) {
    int64_t d = PyLong_AsLongLong(PySequence_Fast_GET_ITEM(seq, i));
    if (d == -1 && PyErr_Occurred()) {
      ok = false;
    } else if (d < 0) {
      PyErr_Format(PyExc_ValueError, "dimensions must not be negative, got shape %R", shape);
      ok = false;
    } else if (__builtin_mul_overflow(numel, d, &numel) || __builtin_mul_overflow(bytes, size_t(d), &bytes) ||
               bytes > (size_t(1) << 45)) {
      PyErr_Format(PyExc_MemoryError, "shape %R is too large", shape);
      ok = false;
    } else {
      out->shape[i] = d;
    }
  }
  Py_DECREF(seq);
  out->ndim = uint8_t(n);
  out->numel = numel;
  out->nbytes = bytes;
  return ok;
}

static bool countArgs(const char *name, Py_ssize_t n, Py_ssize_t lo, Py_ssize_t hi) {
  if (n >= lo && n <= hi)
    return true;
  PyErr_Format(PyExc_TypeError, "%s takes %zd to %zd positional arguments, got %zd", name, lo, hi, n);
  return false;
}

static PyObject *create(const char *name, PyObject *const *args, Py_ssize_t n, bool clear) {
  Spec spec;
  PyTypeObject *cls;
  if (!countArgs(name, n, 2, 3) || !parseSpec(args[0], args[1], &spec) || !(cls = classArg(n > 2 ? args[2] : nullptr)))
    return nullptr;
  TensorObject *t = newTensorData(cls, spec);
  if (t && clear)
    memset(dataOf(t), 0, t->nbytes);
  return reinterpret_cast<PyObject *>(t);
}
PyObject *createEmpty(PyObject *, PyObject *const *args, Py_ssize_t n) { return create("empty", args, n, false); }
PyObject *createZeros(PyObject *, PyObject *const *args, Py_ssize_t n) { return create("zeros", args, n, true); }

PyObject *createTraced(PyObject *, PyObject *const *args, Py_ssize_t n) {
  Spec spec;
  PyTypeObject *cls;
  if (!countArgs("traced", n, 3, 4) || !parseSpec(args[0], args[1], &spec) || !(cls = classArg(n > 3 ? args[3] : nullptr)))
    return nullptr;
  PyObject *t = reinterpret_cast<PyObject *>(newTensor(cls, spec, nullptr));
  if (t && PyObject_SetAttrString(t, "_node", args[2]) < 0)
    Py_CLEAR(t);
  return t;
}

PyObject *createFromBuffer(PyObject *, PyObject *const *args, Py_ssize_t n) {
  Spec spec;
  PyTypeObject *cls;
  if (!countArgs("from_buffer", n, 4, 5) || !parseSpec(args[1], args[2], &spec) || !(cls = classArg(n > 4 ? args[4] : nullptr)))
    return nullptr;
  int copy = PyObject_IsTrue(args[3]);
  if (copy < 0)
    return nullptr;
  auto *view = static_cast<Py_buffer *>(PyMem_Malloc(sizeof(Py_buffer)));
  if (!view)
    return PyErr_NoMemory();
  bool readonly = copy;
  if (copy || PyObject_GetBuffer(args[0], view, PyBUF_C_CONTIGUOUS | PyBUF_WRITABLE) < 0) {
    PyErr_Clear();
    readonly = true;
    if (PyObject_GetBuffer(args[0], view, PyBUF_C_CONTIGUOUS) < 0) {
      PyMem_Free(view);
      return nullptr;
    }
  }
  TensorObject *t = nullptr;
  if (size_t(view->len) != spec.nbytes) {
    PyErr_Format(PyExc_ValueError, "a buffer of %zd bytes does not fill a %s Tensor of shape %R (%zd bytes)", view->len,
                 dtypeInfo[spec.dtype].name, args[2], Py_ssize_t(spec.nbytes));
  } else if (copy || reinterpret_cast<uintptr_t>(view->buf) % dtypeInfo[spec.dtype].itemsize) {
    if ((t = newTensorData(cls, spec))) // compiled code relies on the element's own alignment
      memcpy(dataOf(t), view->buf, spec.nbytes);
  } else if (Storage *s = borrowStorage(view->buf, spec.nbytes, nullptr, readonly)) {
    s->buffer = view;
    return reinterpret_cast<PyObject *>(newTensor(cls, spec, s));
  }
  PyBuffer_Release(view);
  PyMem_Free(view);
  return reinterpret_cast<PyObject *>(t);
}

PyObject *createScalar(PyObject *, PyObject *const *args, Py_ssize_t n) {
  PyTypeObject *cls;
  if (!countArgs("make_scalar", n, 2, 3) || !(cls = classArg(n > 2 ? args[2] : nullptr)))
    return nullptr;
  int code = dtypeFromPython(args[1]);
  if (code < 0)
    return nullptr;
  Spec spec = {};
  spec.dtype = uint8_t(code);
  spec.numel = 1;
  spec.nbytes = dtypeInfo[code].itemsize;
  TensorObject *t = newTensorData(cls, spec);
  if (t && !storeScalar(dataOf(t), code, args[0]))
    Py_CLEAR(t);
  return reinterpret_cast<PyObject *>(t);
}

static uint16_t toBF16(float f) {
  uint32_t u;
  memcpy(&u, &f, 4);
  if ((u & 0x7fffffff) > 0x7f800000)
    return uint16_t(u >> 16 | 0x40); // NaN stays NaN
  return uint16_t((u + 0x7fff + (u >> 16 & 1)) >> 16);
}

bool storeScalar(void *p, int dtype, PyObject *value) {
  if (dtype == Bool) {
    int b = PyObject_IsTrue(value);
    if (b >= 0)
      *static_cast<uint8_t *>(p) = uint8_t(b);
    return b >= 0;
  }
  if (dtype < F16) {
    PyObject *number = PyNumber_Long(value);
    if (!number)
      return false;
    int overflow;
    long long v = PyLong_AsLongLongAndOverflow(number, &overflow);
    Py_DECREF(number);
    int bits = dtypeInfo[dtype].itemsize * 8;
    bool fits = !overflow && (dtype == U8 ? v >= 0 && v < 256 : bits == 64 || (v >= -(1LL << (bits - 1)) && v < 1LL << (bits - 1)));
    if (!fits) {
      PyErr_Format(PyExc_OverflowError, "%S does not fit into %s", value, dtypeInfo[dtype].name);
      return false;
    }
    memcpy(p, &v, size_t(bits / 8)); // little endian
    return true;
  }
  double d = PyFloat_AsDouble(value);
  if (d == -1.0 && PyErr_Occurred())
    return false;
  if (dtype == F64) {
    memcpy(p, &d, 8);
  } else if (dtype == F32) {
    float f = float(d);
    memcpy(p, &f, 4);
  } else if (dtype == BF16) {
    uint16_t h = toBF16(float(d));
    memcpy(p, &h, 2);
  } else if (std::isfinite(d) && std::fabs(d) >= 65520.0) {
    uint16_t h = d < 0 ? 0xfc00 : 0x7c00; // rounds to infinity; PyFloat_Pack2 would raise
    memcpy(p, &h, 2);
  } else if (PyFloat_Pack2(d, static_cast<char *>(p), 1) < 0) {
    return false;
  }
  return true;
}

PyObject *loadScalar(const void *p, int dtype) {
  long long v = 0;
  switch (dtype) {
  case Bool: return PyBool_FromLong(*static_cast<const uint8_t *>(p));
  case I8: v = *static_cast<const int8_t *>(p); break;
  case U8: v = *static_cast<const uint8_t *>(p); break;
  case I16: { int16_t x; memcpy(&x, p, 2); v = x; break; }
  case I32: { int32_t x; memcpy(&x, p, 4); v = x; break; }
  case I64: memcpy(&v, p, 8); break;
  case F16: return PyFloat_FromDouble(PyFloat_Unpack2(static_cast<const char *>(p), 1));
  case BF16: { uint16_t h; memcpy(&h, p, 2); uint32_t u = uint32_t(h) << 16; float f; memcpy(&f, &u, 4); return PyFloat_FromDouble(f); }
  case F32: { float f; memcpy(&f, p, 4); return PyFloat_FromDouble(f); }
  case F64: { double d; memcpy(&d, p, 8); return PyFloat_FromDouble(d); }
  }
  return PyLong_FromLongLong(v);
}

} // namespace cg
