// dtype codes, their facts, and the registered Python objects.
#include "core.h"

namespace cg {

const DTypeInfo dtypeInfo[kNumDTypes] = {
    {"Bool", "?", 1, 6, 8},    {"Int8", "b", 1, 0, 8},      {"Int16", "h", 2, 0, 16},  {"Int32", "i", 4, 0, 32},
    {"Int64", "l", 8, 0, 64},  {"UInt8", "B", 1, 1, 8},     {"Float16", "e", 2, 2, 16}, {"BFloat16", nullptr, 2, 4, 16},
    {"Float32", "f", 4, 2, 32}, {"Float64", "d", 8, 2, 64},
};
static_assert(sizeof(long) == 8, "the format 'l' stands for 64-bit integers");

static PyObject *objects[kMaxDTypeObjects];

PyObject *dtypeObject(int code) {
  if (code >= 0 && code < kMaxDTypeObjects && objects[code])
    return objects[code];
  // Without registration (only before dtype.py is imported) the code itself stands for the dtype; small ints are immortal or cached.
  PyObject *v = PyLong_FromLong(code);
  Py_XDECREF(v);
  return v;
}

int dtypeFromPython(PyObject *obj) {
  for (int i = 0; i < kNumDTypes; ++i)
    if (obj == objects[i])
      return i;
  long code = -1;
  if (PyLong_CheckExact(obj)) {
    code = PyLong_AsLong(obj);
  } else if (PyObject *attr = PyObject_GetAttrString(obj, "code")) {
    code = PyLong_AsLong(attr);
    Py_DECREF(attr);
  }
  if (PyErr_Occurred())
    PyErr_Clear();
  if (code >= kNumDTypes && code < kMaxDTypeObjects) {
    PyErr_Format(PyExc_TypeError, "%S is not supported by cellgrad; supported dtypes: bool_, int8, int16, int32, int64, uint8, "
                                  "float16, bfloat16, float32, float64", obj);
    return -1;
  }
  if (code < 0 || code >= kNumDTypes) {
    PyErr_Format(PyExc_TypeError, "a dtype (such as cellgrad.float32) was expected, got %R", obj);
    return -1;
  }
  return int(code);
}

PyObject *setDTypeObjects(PyObject *, PyObject *seq) {
  PyObject *fast = PySequence_Fast(seq, "set_dtype_objects takes a sequence of dtype objects in code order");
  if (!fast)
    return nullptr;
  Py_ssize_t n = PySequence_Fast_GET_SIZE(fast);
  for (Py_ssize_t i = 0; i < n && i < kMaxDTypeObjects; ++i) {
    PyObject *item = PySequence_Fast_GET_ITEM(fast, i);
    Py_INCREF(item);
    Py_XSETREF(objects[i], item);
  }
  Py_DECREF(fast);
  Py_RETURN_NONE;
}

} // namespace cg
