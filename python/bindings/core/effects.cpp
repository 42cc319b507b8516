// What running programs do besides computing: tensors that they show, failures that they report.
#include "core.h"
#include "runtime/cpu/cellgrad_cpu.h"

namespace cg {

static_assert(int(Bool) == CG_BOOL && int(I64) == CG_I64 && int(U8) == CG_U8 && int(F16) == CG_F16 && int(F64) == CG_F64, "one numbering of dtypes");

namespace {
/// A Tensor with a copy of what the program has at this moment.
PyObject *copyOf(const void *data, const int64_t *&meta) {
  Spec spec{};
  int64_t rank = meta[1];
  if (rank > kMaxDims)
    return PyErr_Format(PyExc_ValueError, "print: a Tensor has at most %d dimensions, this one has %lld", kMaxDims, static_cast<long long>(rank));
  spec.dtype = uint8_t(meta[0]);
  spec.ndim = uint8_t(rank);
  spec.numel = 1;
  for (int i = 0; i < rank; ++i)
    spec.numel *= spec.shape[i] = meta[2 + i];
  spec.nbytes = size_t(spec.numel) * dtypeInfo[spec.dtype].itemsize;
  meta += 2 + rank;
  TensorObject *tensor = newTensorData(TensorClass, spec);
  if (tensor)
    memcpy(dataOf(tensor), data, spec.nbytes);
  return reinterpret_cast<PyObject *>(tensor);
}

/// Called by programs on the thread that runs them, which may have released the GIL. Not 0: an exception is set.
int show(const char *format, int64_t count, void *const *data, const int64_t *meta) {
  PyGILState_STATE state = PyGILState_Ensure();
  PyObject *tensors = PyTuple_New(Py_ssize_t(count)), *result = nullptr;
  for (Py_ssize_t i = 0; tensors && i < count; ++i) {
    PyObject *tensor = copyOf(data[i], meta);
    if (!tensor)
      Py_CLEAR(tensors);
    else
      PyTuple_SET_ITEM(tensors, i, tensor);
  }
  PyObject *module = tensors ? PyImport_ImportModule("cellgrad._runtime.program_print") : nullptr;
  if (module)
    result = PyObject_CallMethod(module, "show", "sO", format, tensors);
  Py_XDECREF(module);
  Py_XDECREF(tensors);
  Py_XDECREF(result);
  PyGILState_Release(state);
  return result ? 0 : 1;
}
} // namespace

PyObject *servePrints(PyObject *, PyObject *address) {
  void *hook = PyLong_AsVoidPtr(address);
  if (!hook) {
    if (!PyErr_Occurred())
      PyErr_SetString(PyExc_ValueError, "serve_prints takes the address of a program's cg_print_to");
    return nullptr;
  }
  reinterpret_cast<void (*)(cg_print_handler)>(hook)(show);
  Py_RETURN_NONE;
}

bool raiseFailure(int (*takeFailure)(const char **)) {
  const char *text = "";
  switch (takeFailure(&text)) {
  case CG_FAILURE_NONE:
    return false;
  case CG_FAILURE_ASSERTION:
    PyErr_SetString(PyExc_AssertionError, text);
    return true;
  case CG_FAILURE_MEMORY:
    PyErr_SetString(PyExc_MemoryError, text);
    return true;
  default:
    if (!PyErr_Occurred()) // a handler that failed has set its own
      PyErr_SetString(PyExc_RuntimeError, text);
    return true;
  }
}

} // namespace cg
