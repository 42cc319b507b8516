//===- bind_function.cpp - Function in Python -------------------------------===//
#include "python/bindings/compiler/convert.h"

namespace cellgrad::native {

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
  return valuesFrom([&](auto &out, Errors &errors) { return self.op(*info, values.list, converted, location, out, errors); });
}

static Value argument(Function &self, nb::handle dtype, nb::handle shape, nb::handle where, nb::handle param, bool donated) {
  const void *location = locationOf(where);
  int element = dtypeOf(dtype, location);
  std::vector<int64_t> sizes = intsOf(shape, "shape");
  std::string name;
  if (!param.is_none())
    name = textOf(param, "param");
  Value out;
  locked([&](Errors &errors) { return self.argument(element, sizes, location, param.is_none() ? nullptr : &name, donated, out, errors); });
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
  locked([&](Errors &errors) { return self.constant(element, shape, {bytes.c_str(), bytes.size()}, location, out, errors); });
  return out;
}

static nb::list call(Function &self, Function &callee, nb::handle operands, nb::handle where) {
  const void *location = locationOf(where);
  Values values = valuesOf(operands, "operands");
  return valuesFrom([&](auto &out, Errors &errors) { return self.call(callee, values.list, location, out, errors); });
}

static nb::list derivative(Function &self, Function &callee, nb::handle operands, nb::handle cotangents, nb::handle wrt, nb::handle outputs,
                           nb::handle where) {
  const void *location = locationOf(where);
  Values values = valuesOf(operands, "operands"), seeds;
  if (cotangents.is_valid())
    seeds = valuesOf(cotangents, "cotangents");
  std::vector<int64_t> wrtList = intsOf(wrt, "wrt"), outputList = intsOf(outputs, "outputs");
  return valuesFrom([&](auto &out, Errors &errors) { return self.derivative(callee, values.list, cotangents.is_valid() ? &seeds.list : nullptr, wrtList, outputList, location, out, errors); });
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
  locked([&](Errors &errors) { return self.finish(values.list, ties, location, errors); });
}


//===----------------------------------------------------------------------===//
// Derivatives, batches, control flow
//===----------------------------------------------------------------------===//

static nb::list jvp(Function &self, Function &callee, nb::handle operands, nb::handle tangents, nb::handle wrt, nb::handle outputs,
                    nb::handle where) {
  const void *location = locationOf(where);
  Values values = valuesOf(operands, "operands"), directions = valuesOf(tangents, "tangents");
  std::vector<int64_t> wrtList = intsOf(wrt, "wrt"), outputList = intsOf(outputs, "outputs");
  return valuesFrom([&](auto &out, Errors &errors) {
    return self.jvp(callee, values.list, directions.list, wrtList, outputList, location, out, errors);
  });
}

static nb::list vmap(Function &self, Function &callee, nb::handle operands, nb::handle inAxes, nb::handle outAxes, nb::handle size,
                     nb::handle where, bool ownRandom, const std::vector<std::string> &written) {
  const void *location = locationOf(where);
  Values values = valuesOf(operands, "operands");
  std::vector<int64_t> in = intsOf(inAxes, "in_axes"), outs = intsOf(outAxes, "out_axes");
  int64_t count = intOf(size, "size");
  return valuesFrom([&](auto &out, Errors &errors) { return self.vmap(callee, values.list, in, outs, count, ownRandom, written, location, out, errors); });
}

static nb::list branch(Function &self, nb::handle condition, Function &then, nb::handle thenOperands, Function &otherwise,
                       nb::handle elseOperands, nb::handle where) {
  const void *location = locationOf(where);
  const Value &flag = valueOf(condition, "condition");
  Values thens = valuesOf(thenOperands, "then_operands"), elses = valuesOf(elseOperands, "else_operands");
  return valuesFrom([&](auto &out, Errors &errors) {
    return self.branch(flag, then, thens.list, otherwise, elses.list, location, out, errors);
  });
}

static nb::list forLoop(Function &self, nb::handle lower, nb::handle upper, nb::handle step, Function &body, nb::handle carried,
                        nb::handle invariants, nb::handle where) {
  const void *location = locationOf(where);
  const Value &from = valueOf(lower, "lower"), &to = valueOf(upper, "upper"), &by = valueOf(step, "step");
  Values inits = valuesOf(carried, "carried"), constants = valuesOf(invariants, "invariants");
  return valuesFrom([&](auto &out, Errors &errors) {
    return self.forLoop(from, to, by, body, inits.list, constants.list, location, out, errors);
  });
}

static nb::list whileLoop(Function &self, Function &condition, nb::handle conditionInvariants, Function &body, nb::handle bodyInvariants,
                          nb::handle carried, nb::handle where) {
  const void *location = locationOf(where);
  Values inits = valuesOf(carried, "carried"), tests = valuesOf(conditionInvariants, "condition_invariants"),
         constants = valuesOf(bodyInvariants, "body_invariants");
  return valuesFrom([&](auto &out, Errors &errors) {
    return self.whileLoop(condition, tests.list, body, constants.list, inits.list, location, out, errors);
  });
}

static void print(Function &self, nb::handle format, nb::handle operands, nb::handle where) {
  const void *location = locationOf(where);
  std::string_view text = textOf(format, "format");
  Values values = valuesOf(operands, "operands");
  locked([&](Errors &errors) { return self.print(text, values.list, location, errors); });
}

static void assertion(Function &self, nb::handle condition, nb::handle message, nb::handle where) {
  const void *location = locationOf(where);
  std::string_view text = textOf(message, "message");
  const Value &flag = valueOf(condition, "condition");
  locked([&](Errors &errors) { return self.assertion(flag, text, location, errors); });
}

static void setAttribute(Function &self, nb::handle name, nb::handle value) {
  std::string_view text = textOf(name, "the name of an attribute");
  FunctionAttribute attribute = functionAttributeOf(value);
  locked([&](Errors &errors) { return self.setAttribute(text, attribute, errors); });
}

static nb::object knownDifference(nb::handle from, nb::handle to) {
  const Value &a = valueOf(from, "from"), &b = valueOf(to, "to");
  std::optional<int64_t> found;
  {
    Locked lock;
    found = difference(a, b);
  }
  return found ? nb::object(nb::int_(*found)) : nb::none();
}

void bindFunction(nb::module_ &m) {
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
      .def("jvp", &jvp, nb::arg("callee"), nb::arg("operands"), nb::arg("tangents"), nb::arg("wrt"), nb::arg("outputs"),
           nb::arg("location").none() = nb::none(),
           "The results of `callee`, then one tangent per entry of `outputs`, in the direction `tangents` of the arguments in `wrt`.")
      .def("vmap", &vmap, nb::arg("callee"), nb::arg("operands"), nb::arg("in_axes"), nb::arg("out_axes"), nb::arg("size"),
           nb::arg("location").none() = nb::none(), nb::kw_only(), nb::arg("own_random") = false, nb::arg("written") = std::vector<std::string>(),
           "`callee` for each example of a batch; -1 in the axes: not batched. With `own_random` examples that share a key draw numbers of their "
           "own; `written` names what the last results are written to, for errors.")
      .def("branch", &branch, nb::arg("condition"), nb::arg("then"), nb::arg("then_operands"), nb::arg("otherwise"), nb::arg("else_operands"),
           nb::arg("location").none() = nb::none(), "The results of one of two functions with the same result types; `condition` is an i1 of no dimensions.")
      .def("for_loop", &forLoop, nb::arg("lower"), nb::arg("upper"), nb::arg("step"), nb::arg("body"), nb::arg("carried"), nb::arg("invariants"),
           nb::arg("location").none() = nb::none(),
           "body(i: i64 of no dimensions, *carried, *invariants) -> carried, for i from `lower` to before `upper` by `step`, which must be positive.")
      .def("while_loop", &whileLoop, nb::arg("condition"), nb::arg("condition_invariants"), nb::arg("body"), nb::arg("body_invariants"),
           nb::arg("carried"), nb::arg("location").none() = nb::none(),
           "body(*carried, *body_invariants) -> carried while condition(*carried, *condition_invariants) -> i1 holds.")
      .def("print", &print, nb::arg("format"), nb::arg("operands"), nb::arg("location").none() = nb::none(),
           "Prints at run time: each `{}` of `format` is one operand, `{{` and `}}` are braces.")
      .def("assert_", &assertion, nb::arg("condition"), nb::arg("message"), nb::arg("location").none() = nb::none(),
           "An AssertionError at run time where the condition, an i1 of no dimensions, does not hold.")
      .def("set_attribute", &setAttribute, nb::arg("name"), nb::arg("value"),
           "Sets an attribute of the function, `cell.` and a name: True, an int, a str, a tuple of ints, or a Function of the same module.")
      .def("finish", &finish, nb::arg("results"), nb::arg("aliases").none() = nb::none(), nb::arg("location").none() = nb::none(),
           "Ends the function. `aliases`: result index -> index of the argument that it updates.")
      .def("discard", [](Function &self) { locked([&](Errors &errors) { return self.discard(errors); }); }, "Removes the function from the module; nothing may call it.");

  m.def("difference", &knownDifference, nb::arg("from_"), nb::arg("to"),
        "`to - from_` of two integer Values of no dimensions where their ops show that it is always the same number, else None.");
}

} // namespace cellgrad::native
