//===- convert.h - from Python values to those of the builder ---------------===//
//
// A wrong Python type raises TypeError, a value that the builder cannot take CompileError.
//
//===----------------------------------------------------------------------===//
#ifndef CELLGRAD_BINDINGS_CONVERT_H
#define CELLGRAD_BINDINGS_CONVERT_H

#include "python/bindings/compiler/bind.h"

namespace cellgrad::native {

namespace nb = nanobind;

[[noreturn]] void typeError(const std::string &message);
std::string_view textOf(nb::handle object, const char *what);
int64_t intOf(nb::handle object, const char *what);
std::vector<int64_t> intsOf(nb::handle object, const char *what);
const void *locationOf(nb::handle object);
int dtypeOf(nb::handle object, const void *location);

/// The C++ object in a Python one; null for another type, and for what __new__ without __init__ makes.
template <typename T>
const T *instanceOf(nb::handle object) {
  return nb::isinstance<T>(object) && nb::inst_ready(object) ? nb::inst_ptr<T>(object) : nullptr;
}

/// The values of a sequence, and the sequence, which keeps them alive meanwhile.
struct Values {
  nb::object owner;
  std::vector<const Value *> list;
};
Values valuesOf(nb::handle object, const char *what);
const Value &valueOf(nb::handle object, const char *what);
nb::list listOf(std::vector<Value> &&values);

/// Attributes by the op's own names. Strings in the result point into `attributes`.
std::vector<AttributeValue> attributesOf(const OpInfo &op, nb::handle attributes, const void *location);
/// The value of an attribute of a function: True, an int, a str, a sequence of ints or a Function.
FunctionAttribute functionAttributeOf(nb::handle object);

/// Runs `work(errors)` with the context held; raises what it has added where it returns false.
template <typename Work>
void locked(Work &&work) {
  Errors errors;
  bool ok;
  {
    Locked lock;
    ok = work(errors);
  }
  if (!ok)
    raise(errors);
}

/// The same for work that gives values: `work(out, errors)`.
template <typename Work>
nb::list valuesFrom(Work &&work) {
  std::vector<Value> out;
  locked([&](Errors &errors) { return work(out, errors); });
  return listOf(std::move(out));
}

} // namespace cellgrad::native

#endif // CELLGRAD_BINDINGS_CONVERT_H
