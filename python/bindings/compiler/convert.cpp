//===- convert.cpp - from Python values to those of the builder -------------===//
#include "python/bindings/compiler/convert.h"

namespace cellgrad::native {

void typeError(const std::string &message) { throw nb::type_error(message.c_str()); }

std::string_view textOf(nb::handle object, const char *what) {
  if (!PyUnicode_Check(object.ptr()))
    typeError(std::string(what) + " must be a str, not " + Py_TYPE(object.ptr())->tp_name);
  Py_ssize_t size;
  const char *data = PyUnicode_AsUTF8AndSize(object.ptr(), &size);
  if (!data)
    throw nb::python_error();
  return {data, static_cast<size_t>(size)};
}

int64_t intOf(nb::handle object, const char *what) {
  if (PyBool_Check(object.ptr()) || !PyIndex_Check(object.ptr()))
    typeError(std::string(what) + " must be an int, not " + Py_TYPE(object.ptr())->tp_name);
  nb::object index = nb::steal(PyNumber_Index(object.ptr()));
  if (!index.is_valid())
    throw nb::python_error();
  int64_t value = PyLong_AsLongLong(index.ptr());
  if (value == -1 && PyErr_Occurred())
    throw nb::python_error();
  return value;
}

/// The elements of a tuple, list or other sequence; strings are none.
static nb::object sequenceOf(nb::handle object, const char *what) {
  if (PyUnicode_Check(object.ptr()) || PyBytes_Check(object.ptr()) || PyDict_Check(object.ptr()))
    typeError(std::string(what) + " must be a sequence, not " + Py_TYPE(object.ptr())->tp_name);
  nb::object fast = nb::steal(PySequence_Fast(object.ptr(), "a sequence is needed"));
  if (!fast.is_valid())
    throw nb::python_error();
  return fast;
}

std::vector<int64_t> intsOf(nb::handle object, const char *what) {
  nb::object fast = sequenceOf(object, what);
  std::vector<int64_t> result;
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(fast.ptr()); ++i)
    result.push_back(intOf(PySequence_Fast_GET_ITEM(fast.ptr(), i), what));
  return result;
}

const void *locationOf(nb::handle object) {
  if (object.is_none())
    return unknownLocation();
  const auto *found = instanceOf<LocationRef>(object);
  if (!found)
    typeError(std::string("a location must be a Location, not ") + Py_TYPE(object.ptr())->tp_name);
  return found->location;
}

int dtypeOf(nb::handle object, const void *location) {
  std::string_view name = textOf(object, "dtype");
  int dtype = dtypeIndex(name);
  if (dtype < 0) {
    std::string known;
    for (const char *word : kDtypes)
      known += std::string(" ") + word;
    raise(location, "there is no dtype '" + std::string(name.substr(0, 80)) + "'; known are" + known);
  }
  return dtype;
}

Values valuesOf(nb::handle object, const char *what) {
  Values result{sequenceOf(object, what), {}};
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(result.owner.ptr()); ++i) {
    nb::handle item = PySequence_Fast_GET_ITEM(result.owner.ptr(), i);
    const auto *value = instanceOf<Value>(item);
    if (!value)
      typeError(std::string(what) + ": item " + std::to_string(i) + " must be a Value, not " + Py_TYPE(item.ptr())->tp_name);
    result.list.push_back(value);
  }
  return result;
}

const Value &valueOf(nb::handle object, const char *what) {
  const auto *value = instanceOf<Value>(object);
  if (!value)
    typeError(std::string(what) + " must be a Value, not " + Py_TYPE(object.ptr())->tp_name);
  return *value;
}

nb::list listOf(std::vector<Value> &&values) {
  nb::list result;
  for (Value &value : values)
    result.append(nb::cast(std::move(value)));
  return result;
}

static AttributeValue attributeOf(const OpInfo &op, const AttributeInfo &info, nb::handle object, const void *location) {
  AttributeValue result{&info};
  PyObject *o = object.ptr();
  std::string what = "attribute '" + std::string(info.name) + "' of " + std::string(op.name);
  auto mismatch = [&]() { raise(location, what + " must be " + kindName(info.kind) + ", not " + Py_TYPE(o)->tp_name); };
  switch (info.kind) {
  case Kind::Int:
    if (PyBool_Check(o) || !PyIndex_Check(o))
      mismatch();
    result.integer = intOf(object, what.c_str());
    break;
  case Kind::Ints:
    if (!PyTuple_Check(o) && !PyList_Check(o))
      mismatch();
    result.integers = intsOf(object, what.c_str());
    break;
  case Kind::Bool:
  case Kind::Unit:
    if (!PyBool_Check(o))
      mismatch();
    result.integer = o == Py_True;
    break;
  case Kind::Float:
    if (PyBool_Check(o) || (!PyFloat_Check(o) && !PyIndex_Check(o) && !(Py_TYPE(o)->tp_as_number && Py_TYPE(o)->tp_as_number->nb_float)))
      mismatch();
    result.number = PyFloat_AsDouble(o);
    if (result.number == -1.0 && PyErr_Occurred())
      throw nb::python_error();
    break;
  case Kind::Str:
    if (!PyUnicode_Check(o))
      mismatch();
    result.text = textOf(object, what.c_str());
    break;
  case Kind::Type: {
    nb::handle name = object;
    if (PyTuple_Check(o) && PyTuple_GET_SIZE(o) == 2)
      name = PyTuple_GET_ITEM(o, 1);
    if (!PyUnicode_Check(name.ptr()))
      mismatch();
    result.integer = dtypeOf(name, location);
    break;
  }
  case Kind::Other:
    raise(location, what + " is " + kindName(info.kind));
  }
  return result;
}

std::vector<AttributeValue> attributesOf(const OpInfo &op, nb::handle attributes, const void *location) {
  std::vector<AttributeValue> result;
  auto names = [&] {
    std::string list;
    for (const AttributeInfo &info : op.attributes)
      list += (list.empty() ? "" : ", ") + std::string(info.name);
    return list.empty() ? std::string("it has none") : "it has " + list;
  };
  if (!attributes.is_none()) {
    if (!PyDict_Check(attributes.ptr()))
      typeError(std::string("attributes must be a dict, not ") + Py_TYPE(attributes.ptr())->tp_name);
    PyObject *key, *value;
    for (Py_ssize_t position = 0; PyDict_Next(attributes.ptr(), &position, &key, &value);) {
      std::string_view name = textOf(key, "the name of an attribute");
      const AttributeInfo *found = nullptr;
      for (const AttributeInfo &info : op.attributes)
        if (info.name == name)
          found = &info;
      if (!found)
        raise(location, std::string(op.name) + " has no attribute '" + std::string(name.substr(0, 80)) + "'; " + names());
      if (value == Py_None && !found->required)
        continue;
      // A conversion may run Python code, which must not free what it converts.
      nb::object keep = nb::borrow(value);
      AttributeValue converted = attributeOf(op, *found, keep, location);
      if (found->kind != Kind::Unit || converted.integer)
        result.push_back(std::move(converted));
    }
  }
  for (const AttributeInfo &info : op.attributes) {
    bool given = false;
    for (const AttributeValue &value : result)
      given |= value.info == &info;
    if (info.required && !given)
      raise(location, std::string(op.name) + " needs attribute '" + std::string(info.name) + "', " + kindName(info.kind));
  }
  return result;
}

FunctionAttribute functionAttributeOf(nb::handle object) {
  FunctionAttribute result;
  PyObject *o = object.ptr();
  if (nb::isinstance<Function>(object) && nb::inst_ready(object)) {
    result.function = nb::inst_ptr<Function>(object);
  } else if (PyUnicode_Check(o)) {
    result.kind = Kind::Str;
    result.text = textOf(object, "the value of an attribute");
  } else if (o == Py_True) {
    result.kind = Kind::Unit;
  } else if (PyIndex_Check(o) && !PyBool_Check(o)) {
    result.kind = Kind::Int;
    result.integer = intOf(object, "the value of an attribute");
  } else if (PyTuple_Check(o) || PyList_Check(o)) {
    result.kind = Kind::Ints;
    result.integers = intsOf(object, "the value of an attribute");
  } else {
    typeError(std::string("the value of an attribute must be True, an int, a str, a tuple or list of ints, or a Function, not ") +
              Py_TYPE(o)->tp_name);
  }
  return result;
}

} // namespace cellgrad::native
