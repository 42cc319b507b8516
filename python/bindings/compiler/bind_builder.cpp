//===- bind_builder.cpp - Builder, Function and Value in Python -----------===//
#include "python/bindings/compiler/bind.h"

namespace nb = nanobind;

namespace cellgrad::native {

//===----------------------------------------------------------------------===//
// From Python values
//===----------------------------------------------------------------------===//

[[noreturn]] static void typeError(const std::string &message) { throw nb::type_error(message.c_str()); }

static std::string_view textOf(nb::handle object, const char *what) {
  if (!PyUnicode_Check(object.ptr()))
    typeError(std::string(what) + " must be a str, not " + Py_TYPE(object.ptr())->tp_name);
  Py_ssize_t size;
  const char *data = PyUnicode_AsUTF8AndSize(object.ptr(), &size);
  if (!data)
    throw nb::python_error();
  return {data, static_cast<size_t>(size)};
}

static int64_t intOf(nb::handle object, const char *what) {
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

static std::vector<int64_t> intsOf(nb::handle object, const char *what) {
  nb::object fast = sequenceOf(object, what);
  std::vector<int64_t> result;
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(fast.ptr()); ++i)
    result.push_back(intOf(PySequence_Fast_GET_ITEM(fast.ptr(), i), what));
  return result;
}

/// The C++ object in a Python one; null for another type, and for what __new__ without __init__ makes.
template <typename T>
static const T *instanceOf(nb::handle object) {
  return nb::isinstance<T>(object) && nb::inst_ready(object) ? nb::inst_ptr<T>(object) : nullptr;
}

static const void *locationOf(nb::handle object) {
  if (object.is_none())
    return unknownLocation();
  const auto *found = instanceOf<LocationRef>(object);
  if (!found)
    typeError(std::string("a location must be a Location, not ") + Py_TYPE(object.ptr())->tp_name);
  return found->location;
}

static int dtypeOf(nb::handle object, const void *location) {
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

/// The values of a sequence, and the sequence, which keeps them alive meanwhile.
struct Values {
  nb::object owner;
  std::vector<const Value *> list;
};

static Values valuesOf(nb::handle object, const char *what) {
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

/// Attributes by the op's own names. Strings in the result point into `attributes`.
static std::vector<AttributeValue> attributesOf(const OpInfo &op, nb::handle attributes, const void *location) {
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

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

static nb::list listOf(std::vector<Value> &&values) {
  nb::list result;
  for (Value &value : values)
    result.append(nb::cast(std::move(value)));
  return result;
}

static nb::list op(Function &self, nb::handle name, nb::handle operands, nb::handle attributes, nb::handle where) {
  const void *location = locationOf(where);
  std::string_view opName = textOf(name, "the name of an op");
  const OpInfo *info = findOp(opName);
  if (!info)
    raise(location, unknownOpMessage(opName));
  Values values = valuesOf(operands, "operands");
  int count = static_cast<int>(std::min<size_t>(values.list.size(), 1 << 20));
  if (!info->buildable)
    raise(location, std::string(info->name) + " is built by a method of its own, not by op()");
  if (count < info->minOperands || (info->maxOperands >= 0 && count > info->maxOperands))
    raise(location, std::string(info->name) + " takes " +
                        (info->maxOperands < 0                    ? std::to_string(info->minOperands) + " or more"
                         : info->minOperands == info->maxOperands ? std::to_string(info->minOperands)
                                                                  : std::to_string(info->minOperands) + " to " + std::to_string(info->maxOperands)) +
                        " operands, but got " + std::to_string(count));
  std::vector<AttributeValue> converted = attributesOf(*info, attributes, location);
  std::vector<Value> out;
  Errors errors;
  bool ok;
  {
    Locked lock;
    ok = self.op(*info, values.list, converted, location, out, errors);
  }
  if (!ok)
    raise(errors);
  return listOf(std::move(out));
}

static Value argument(Function &self, nb::handle dtype, nb::handle shape, nb::handle where, nb::handle param, bool donated) {
  const void *location = locationOf(where);
  int element = dtypeOf(dtype, location);
  std::vector<int64_t> sizes = intsOf(shape, "shape");
  std::string name;
  if (!param.is_none())
    name = textOf(param, "param");
  Value out;
  Errors errors;
  bool ok;
  {
    Locked lock;
    ok = self.argument(element, sizes, location, param.is_none() ? nullptr : &name, donated, out, errors);
  }
  if (!ok)
    raise(errors);
  return out;
}

static Value constant(Function &self, nb::handle array, nb::handle dtype, nb::handle where) {
  // NumPy's names; bfloat16 has no NumPy type of its own and may come as its bits.
  constexpr const char *kNames[] = {"float16", "bfloat16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool"};
  const void *location = locationOf(where);
  int element = dtypeOf(dtype, location);
  nb::object numpy = nb::module_::import_("numpy");
  if (!nb::isinstance(array, numpy.attr("ndarray")) && !nb::isinstance(array, numpy.attr("generic")))
    typeError(std::string("a constant must be a NumPy array, not ") + Py_TYPE(array.ptr())->tp_name);
  auto name = nb::cast<std::string>(array.attr("dtype").attr("name"));
  bool native = nb::cast<bool>(array.attr("dtype").attr("isnative"));
  if (!native || (name != kNames[element] && !(element == 1 && name == "uint16")))
    raise(location, "constant: an array of " + name + (native ? "" : " in foreign byte order") + " is no " + kDtypes[element]);
  std::vector<int64_t> shape = intsOf(array.attr("shape"), "shape");
  auto bytes = nb::cast<nb::bytes>(array.attr("tobytes")());
  Value out;
  Errors errors;
  bool ok;
  {
    Locked lock;
    ok = self.constant(element, shape, {bytes.c_str(), bytes.size()}, location, out, errors);
  }
  if (!ok)
    raise(errors);
  return out;
}

static nb::list call(Function &self, Function &callee, nb::handle operands, nb::handle where) {
  const void *location = locationOf(where);
  Values values = valuesOf(operands, "operands");
  std::vector<Value> out;
  Errors errors;
  bool ok;
  {
    Locked lock;
    ok = self.call(callee, values.list, location, out, errors);
  }
  if (!ok)
    raise(errors);
  return listOf(std::move(out));
}

static nb::list derivative(Function &self, Function &callee, nb::handle operands, nb::handle cotangents, nb::handle wrt, nb::handle outputs,
                           nb::handle where) {
  const void *location = locationOf(where);
  Values values = valuesOf(operands, "operands"), seeds;
  if (cotangents.is_valid())
    seeds = valuesOf(cotangents, "cotangents");
  std::vector<int64_t> wrtList = intsOf(wrt, "wrt"), outputList = intsOf(outputs, "outputs");
  std::vector<Value> out;
  Errors errors;
  bool ok;
  {
    Locked lock;
    ok = self.derivative(callee, values.list, cotangents.is_valid() ? &seeds.list : nullptr, wrtList, outputList, location, out, errors);
  }
  if (!ok)
    raise(errors);
  return listOf(std::move(out));
}

static void finish(Function &self, nb::handle results, nb::handle aliases, nb::handle where) {
  const void *location = where.is_none() ? nullptr : locationOf(where);
  Values values = valuesOf(results, "results");
  std::vector<std::pair<int64_t, int64_t>> ties;
  if (!aliases.is_none()) {
    if (!PyDict_Check(aliases.ptr()))
      typeError(std::string("aliases must be a dict, not ") + Py_TYPE(aliases.ptr())->tp_name);
    nb::object items = nb::steal(PyDict_Items(aliases.ptr()));
    for (nb::handle item : items)
      ties.emplace_back(intOf(PyTuple_GET_ITEM(item.ptr(), 0), "a result index"), intOf(PyTuple_GET_ITEM(item.ptr(), 1), "an argument index"));
  }
  Errors errors;
  bool ok;
  {
    Locked lock;
    ok = self.finish(values.list, ties, location, errors);
  }
  if (!ok)
    raise(errors);
}

static LocationRef location(nb::handle file, nb::handle line, nb::handle column, nb::handle caller) {
  std::string_view name = textOf(file, "file");
  int64_t l = intOf(line, "line"), c = intOf(column, "column");
  auto clamp = [](int64_t value) { return static_cast<unsigned>(std::min<int64_t>(std::max<int64_t>(value, 0), 0xffffff)); };
  const void *outer = caller.is_none() ? nullptr : locationOf(caller);
  Locked lock;
  return {fileLocation(name, clamp(l), clamp(c), outer)};
}

static std::shared_ptr<Function> function(Builder &self, nb::handle name, nb::handle where) {
  const void *location = locationOf(where);
  std::string_view text = textOf(name, "the name of a function");
  Errors errors;
  std::shared_ptr<Function> result;
  {
    Locked lock;
    result = self.function(text, location, errors);
  }
  if (!result)
    raise(errors);
  return result;
}

static std::unique_ptr<Module> finishModule(Builder &self, Function &entry) {
  Errors errors;
  std::unique_ptr<Module> module;
  {
    Locked lock;
    module = self.finish(entry, errors);
  }
  if (!module)
    raise(errors);
  return module;
}

static nb::tuple shapeTuple(const Value &value) {
  auto [sizes, rank] = shapeOf(value.type);
  nb::object result = nb::steal(PyTuple_New(static_cast<Py_ssize_t>(rank)));
  for (size_t i = 0; i < rank; ++i)
    PyTuple_SET_ITEM(result.ptr(), static_cast<Py_ssize_t>(i), PyLong_FromLongLong(sizes[i]));
  return nb::borrow<nb::tuple>(result);
}

void bindBuilder(nb::module_ &m) {
  nb::class_<LocationRef>(m, "Location", "A place in the user's source, with the calls that led to it.")
      .def("__repr__", [](const LocationRef &self) {
        Locked lock;
        return locationText(self.location);
      })
      .def("__eq__", [](const LocationRef &a, nb::handle b) {
        const auto *other = instanceOf<LocationRef>(b);
        return other && a.location == other->location;
      }, nb::arg().none())
      .def("__hash__", [](const LocationRef &self) { return reinterpret_cast<intptr_t>(self.location) >> 4; });

  nb::class_<Value>(m, "Value", "A tensor of a function under construction.")
      .def_prop_ro("dtype", [](const Value &self) { return kDtypes[elementIndex(self.type)]; })
      .def_prop_ro("shape", &shapeTuple)
      .def_prop_ro("function", [](const Value &self) { return self.function; })
      .def("__eq__", [](const Value &a, nb::handle b) {
        const auto *other = instanceOf<Value>(b);
        return other && a.value == other->value && a.function == other->function;
      }, nb::arg().none())
      .def("__hash__", [](const Value &self) { return reinterpret_cast<intptr_t>(self.value) >> 4; })
      .def("__repr__", [](const Value &self) {
        auto [sizes, rank] = shapeOf(self.type);
        std::string text = "<Value ";
        for (size_t i = 0; i < rank; ++i)
          text += std::to_string(sizes[i]) + "x";
        return text + kDtypes[elementIndex(self.type)] + " of '" + self.function->name + "'>";
      });

  nb::class_<Function>(m, "Function", "A function under construction.")
      .def_ro("name", &Function::name)
      .def_prop_ro("state", [](const Function &self) {
        const char *names[] = {"open", "finished", "gone"};
        return names[static_cast<int>(self.state())];
      })
      .def_prop_ro("argument_count", &Function::argumentCount)
      .def("argument", &argument, nb::arg("dtype"), nb::arg("shape"), nb::arg("location").none() = nb::none(), nb::kw_only(),
           nb::arg("param").none() = nb::none(), nb::arg("donated") = false, "Appends an argument, at any time before `finish`.")
      .def("op", &op, nb::arg("name"), nb::arg("operands"), nb::arg("attributes").none() = nb::none(), nb::arg("location").none() = nb::none(),
           "Appends an op and returns its results, a list of Values. Result types and all checks are the dialect's.\n"
           "Raises CompileError where the op does not take these operands and attributes.")
      .def("constant", &constant, nb::arg("array"), nb::arg("dtype"), nb::arg("location").none() = nb::none(),
           "A constant tensor from a NumPy array of exactly this dtype (bf16 also as uint16 bits).")
      .def("call", &call, nb::arg("callee"), nb::arg("operands"), nb::arg("location").none() = nb::none(), "Calls a finished function.")
      .def("value_and_grad",
           [](Function &self, Function &callee, nb::handle operands, nb::handle wrt, nb::handle outputs, nb::handle where) {
             return derivative(self, callee, operands, nb::handle(), wrt, outputs, where);
           },
           nb::arg("callee"), nb::arg("operands"), nb::arg("wrt"), nb::arg("outputs"), nb::arg("location").none() = nb::none(),
           "The results of `callee`, then one gradient per entry of `wrt`; sens is 1 for the results in `outputs`.")
      .def("vjp", &derivative, nb::arg("callee"), nb::arg("operands"), nb::arg("cotangents"), nb::arg("wrt"), nb::arg("outputs"),
           nb::arg("location").none() = nb::none(), "As value_and_grad, with one given cotangent per entry of `outputs`.")
      .def("finish", &finish, nb::arg("results"), nb::arg("aliases").none() = nb::none(), nb::arg("location").none() = nb::none(),
           "Ends the function. `aliases`: result index -> index of the argument that it updates.")
      .def("discard", [](Function &self) {
        Errors errors;
        bool ok;
        {
          Locked lock;
          ok = self.discard(errors);
        }
        if (!ok)
          raise(errors);
      }, "Removes the function from the module; nothing may call it.");

  nb::class_<Builder>(m, "Builder", "A module under construction.")
      .def("__init__", [](Builder *self) {
        Locked lock;
        new (self) Builder();
      })
      .def_static("location", &location, nb::arg("file"), nb::arg("line"), nb::arg("column") = 0, nb::arg("caller").none() = nb::none())
      .def("function", &function, nb::arg("name"), nb::arg("location").none() = nb::none(),
           "A new function. Its name is made unique; it is private unless it becomes the entry.")
      .def("finish", &finishModule, nb::arg("entry"), "Verifies the module and gives it away; the builder is empty afterwards. Raises CompileError.");
}

} // namespace cellgrad::native
