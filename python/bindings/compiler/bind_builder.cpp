//===- bind_builder.cpp - Builder, Value and Location in Python -------------===//
#include "python/bindings/compiler/convert.h"

namespace cellgrad::native {

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

  bindFunction(m);

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
