// When two Python objects count as the same in signatures, guards and attribute keys.
#include "dispatch.h"

namespace cg {

static PyObject *valueTypes; // a set of further exact types

bool isValueType(PyTypeObject *type) {
  if (type == &PyLong_Type || type == &PyFloat_Type || type == &PyUnicode_Type || type == &PyBool_Type || type == Py_TYPE(Py_None) ||
      type == &PyBytes_Type || type == &PyComplex_Type || type == &PyEllipsis_Type)
    return true;
  return valueTypes && PySet_Contains(valueTypes, reinterpret_cast<PyObject *>(type)) == 1;
}

PyObject *registerValueType(PyObject *, PyObject *type) {
  if (!valueTypes && !(valueTypes = PySet_New(nullptr)))
    return nullptr;
  if (!PyType_Check(type) || PySet_Add(valueTypes, type) < 0) {
    if (!PyErr_Occurred())
      PyErr_SetString(PyExc_TypeError, "register_value_type takes a class");
    return nullptr;
  }
  Py_RETURN_NONE;
}

bool isValue(PyObject *o) {
  if (PyTuple_CheckExact(o)) {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(o); ++i)
      if (!isValue(PyTuple_GET_ITEM(o, i)))
        return false;
    return true;
  }
  return isValueType(Py_TYPE(o));
}

static bool sameBits(PyObject *a, PyObject *b) {
  double x = PyFloat_AS_DOUBLE(a), y = PyFloat_AS_DOUBLE(b);
  return memcmp(&x, &y, sizeof x) == 0;
}

bool sameValue(PyObject *a, PyObject *b) {
  if (a == b)
    return true;
  PyTypeObject *type = Py_TYPE(a);
  if (type != Py_TYPE(b))
    return false;
  if (type == &PyFloat_Type)
    return sameBits(a, b);
  if (type == &PyTuple_Type) {
    if (PyTuple_GET_SIZE(a) != PyTuple_GET_SIZE(b))
      return false;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(a); ++i)
      if (!sameValue(PyTuple_GET_ITEM(a, i), PyTuple_GET_ITEM(b, i)))
        return false;
    return true;
  }
  if (type == &PyBool_Type || !isValueType(type))
    return false;
  int r = PyObject_RichCompareBool(a, b, Py_EQ);
  if (r < 0)
    PyErr_Clear(); // an object that cannot be compared is not the same
  return r == 1;
}

int sameKey(PyObject *a, PyObject *b) {
  if (a == b)
    return 1;
  PyTypeObject *type = Py_TYPE(a);
  if (type != Py_TYPE(b))
    return 0;
  if (type == &PyFloat_Type)
    return sameBits(a, b);
  if (type == &PyTuple_Type) {
    Py_ssize_t n = PyTuple_GET_SIZE(a);
    int r = n == PyTuple_GET_SIZE(b);
    for (Py_ssize_t i = 0; r == 1 && i < n; ++i)
      r = sameKey(PyTuple_GET_ITEM(a, i), PyTuple_GET_ITEM(b, i));
    return r;
  }
  return PyObject_RichCompareBool(a, b, Py_EQ);
}

bool Held::set(PyObject *o) {
  // A bound method is made anew at each access: a weak reference of it would be dead at once.
  weak = PyType_SUPPORTS_WEAKREFS(Py_TYPE(o)) && !PyMethod_Check(o);
  ref = weak ? PyWeakref_NewRef(o, nullptr) : Py_NewRef(o);
  if (!ref && weak) { // a type whose instances may or may not allow it
    PyErr_Clear();
    weak = false;
    ref = Py_NewRef(o);
  }
  return ref != nullptr;
}

static PyObject *deref(PyObject *ref) {
#if PY_VERSION_HEX >= 0x030D0000
  PyObject *o;
  if (PyWeakref_GetRef(ref, &o) != 1)
    return nullptr;
  Py_DECREF(o); // borrowed, as below; whoever looks at it holds the GIL and takes a reference first
  return o;
#else
  PyObject *o = PyWeakref_GET_OBJECT(ref);
  return o == Py_None ? nullptr : o;
#endif
}
PyObject *Held::get() const { return weak ? deref(ref) : ref; }

} // namespace cg
