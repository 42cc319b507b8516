// The module cellgrad._runtime._core.
#include "dispatch.h"

using namespace cg;

static PyObject *rebuild(PyObject *, PyObject *args) {
  PyObject *cls, *shape, *dtype;
  Py_buffer bytes;
  if (!PyArg_ParseTuple(args, "OOOy*", &cls, &dtype, &shape, &bytes))
    return nullptr;
  Spec spec;
  PyTypeObject *type = classArg(cls);
  TensorObject *t = nullptr;
  if (type && parseSpec(dtype, shape, &spec)) {
    if (size_t(bytes.len) != spec.nbytes)
      PyErr_SetString(PyExc_ValueError, "damaged Tensor pickle: the data does not fill the shape");
    else if ((t = newTensorData(type, spec)))
      memcpy(dataOf(t), bytes.buf, spec.nbytes);
  }
  PyBuffer_Release(&bytes);
  return reinterpret_cast<PyObject *>(t);
}

#define FAST(f) reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)(void)>(f)), METH_FASTCALL
static PyMethodDef functions[] = {
    {"set_dtype_objects", setDTypeObjects, METH_O, "Register the dtype objects, in the order of their codes."},
    {"empty", FAST(createEmpty), "empty(dtype, shape, cls=None): an uninitialised Tensor."},
    {"zeros", FAST(createZeros), "zeros(dtype, shape, cls=None): a Tensor of zeros."},
    {"from_buffer", FAST(createFromBuffer), "from_buffer(obj, dtype, shape, copy, cls=None): a Tensor with the bytes of a buffer."},
    {"from_dlpack", FAST(fromDLPack), "from_dlpack(obj, cls=None): a Tensor that shares the memory of obj where it can."},
    {"traced", FAST(createTraced), "traced(dtype, shape, node, cls=None): a traced Tensor."},
    {"make_scalar", FAST(createScalar), "make_scalar(value, dtype, cls=None): a 0-d Tensor."},
    {"memory_stats", memoryStats, METH_NOARGS, "Bytes in use, cached and at the peak."},
    {"empty_cache", emptyCache, METH_NOARGS, "Give cached memory back to the system."},
    {"serve_prints", servePrints, METH_O, "serve_prints(address): what a loaded program prints goes to sys.stdout; the address is its cg_print_to."},
    {"_rebuild", rebuild, METH_VARARGS, "Unpickle a Tensor."},
    {}};
static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_core", "Tensors and the cached call path.", -1, functions};

PyMODINIT_FUNC PyInit__core() {
  PyObject *module = PyModule_Create(&definition);
  if (module && PyModule_AddFunctions(module, deviceFunctions) == 0 && initStorageType(module) && initTensorType(module) && initExecutableType(module) && initTemplateTypes(module) &&
      initCallType(module) && initDispatcherType(module) && initEagerType(module) && initOperatorType(module))
    return module;
  Py_XDECREF(module);
  return nullptr;
}
