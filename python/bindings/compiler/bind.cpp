//===- bind.cpp - the Python module: errors and finished modules ----------===//
#include "python/bindings/compiler/bind.h"

#include <chrono>

namespace nb = nanobind;

namespace cellgrad::native {

static const char *severityName(Severity severity) {
  switch (severity) {
  case Severity::Error:
    return "error";
  case Severity::Warning:
    return "warning";
  case Severity::Remark:
    return "remark";
  case Severity::Note:
    break;
  }
  return "note";
}

/// Text of the compiler may quote bytes of the user that are no UTF-8.
static nb::object toStr(const std::string &text) {
  return nb::steal(PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "replace"));
}

/// (severity, file, line, column, message, notes); a note is (file, line, column, message).
static nb::object toPython(const Diagnostic &diagnostic) {
  nb::list notes;
  for (const Diagnostic &note : diagnostic.notes)
    notes.append(nb::make_tuple(toStr(note.file), note.line, note.column, toStr(note.message)));
  return nb::make_tuple(severityName(diagnostic.severity), toStr(diagnostic.file), diagnostic.line, diagnostic.column,
                        toStr(diagnostic.message), notes);
}

void raise(const Errors &errors) {
  nb::list list;
  for (const Diagnostic &diagnostic : errors.list)
    list.append(toPython(diagnostic));
  nb::object type = nb::module_::import_("cellgrad._errors").attr(errors.crash ? "CompilerCrash" : "CompileError");
  nb::object error = type(list);
  PyErr_SetObject(reinterpret_cast<PyObject *>(Py_TYPE(error.ptr())), error.ptr());
  throw nb::python_error();
}

void raise(const void *location, std::string message) {
  Errors errors;
  {
    Locked lock;
    errors.add(location, std::move(message));
  }
  raise(errors);
}

static std::unique_ptr<Module> parse(std::string_view text, std::string_view filename) {
  Errors errors;
  std::unique_ptr<Module> module;
  {
    Locked lock;
    module = Module::parse(text, filename, errors);
  }
  if (!module)
    raise(errors);
  return module;
}

/// What the passes had to say; raises where one of them failed.
static Errors runOrRaise(Module &module, const std::string &pipeline, bool verifyEach) {
  Errors errors;
  bool ok;
  {
    nb::gil_scoped_release release;
    std::lock_guard<std::mutex> lock(contextMutex());
    ok = module.run(pipeline, verifyEach, errors);
  }
  if (!ok)
    raise(errors);
  return errors;
}

static double run(Module &module, const std::string &pipeline, bool verifyEach) {
  auto start = std::chrono::steady_clock::now();
  runOrRaise(module, pipeline, verifyEach);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

static nb::list remarks(Module &module, const std::string &pipeline) {
  Errors found = runOrRaise(module, pipeline, false);
  nb::list list;
  for (const Diagnostic &diagnostic : found.list)
    list.append(toPython(diagnostic));
  return list;
}

/// Machine code or text, and the seconds of each step.
static std::pair<std::string, nb::dict> emit(const Module &module, EmitOptions::Form form, int level, const std::string &cpu,
                                             const std::string &features, const std::string &cubin = "") {
  if (level < 0 || level > 3)
    raise(nullptr, "emit: the optimisation level is 0 to 3, not " + std::to_string(level));
  EmitOptions options{static_cast<unsigned>(level), cpu, features, form, cubin};
  Errors errors;
  std::string result;
  std::vector<std::pair<std::string, double>> steps;
  bool ok;
  {
    nb::gil_scoped_release release;
    std::lock_guard<std::mutex> lock(contextMutex());
    ok = module.emit(options, result, steps, errors);
  }
  if (!ok)
    raise(errors);
  nb::dict seconds;
  for (auto &[name, value] : steps)
    seconds[name.c_str()] = value;
  return {std::move(result), seconds};
}

static nb::object emitObject(const Module &module, int level, const std::string &cpu, const std::string &features, nb::bytes cubin) {
  auto [bytes, seconds] = emit(module, EmitOptions::Object, level, cpu, features, std::string(cubin.c_str(), cubin.size()));
  return nb::make_tuple(nb::bytes(bytes.data(), bytes.size()), seconds);
}

template <EmitOptions::Form form>
static nb::object emitText(const Module &module, int level, const std::string &cpu, const std::string &features) {
  return toStr(emit(module, form, level, cpu, features).first);
}

static nb::object hivmText(const Module &module, const std::string &form) {
  if (!module.intact())
    raise(nullptr, "hivm: an earlier pipeline failed on this module");
  Errors errors;
  std::string text;
  bool good;
  {
    Locked lock;
    good = module.hivm(form, text, errors);
  }
  if (!good)
    raise(errors);
  return toStr(text);
}

static nb::tuple shapeTuple(const void *type) {
  nb::list shape;
  auto [sizes, rank] = shapeOf(type);
  for (size_t i = 0; i < rank; ++i)
    shape.append(sizes[i]);
  return nb::tuple(shape);
}

/// The second half, the numbers of the late results, and (dtype, shape) of each residual.
static nb::tuple split(Module &module, const std::vector<int64_t> &lateArguments) {
  Errors errors;
  std::vector<int64_t> lateResults;
  std::vector<const void *> types;
  std::unique_ptr<Module> late;
  {
    Locked lock;
    late = module.split(lateArguments, lateResults, types, errors);
  }
  if (!late)
    raise(errors);
  nb::list residuals;
  for (const void *type : types)
    residuals.append(nb::make_tuple(kDtypes[elementIndex(type)], shapeTuple(type)));
  return nb::make_tuple(std::move(late), lateResults, residuals);
}

static void requireIntact(const Module &module, const char *what) {
  if (!module.intact())
    raise(nullptr, std::string(what) + ": an earlier pipeline failed on this module");
}

template <typename Work>
static auto locked(Work work) {
  Locked lock;
  return work();
}

} // namespace cellgrad::native

using namespace cellgrad::native;

NB_MODULE(_native, m) {
  m.doc() = "The compiler: builds IR, runs pipelines, generates and loads machine code. All of it may be called from any thread.";
  nb::set_leak_warnings(false);
  m.attr("CompileError") = nb::module_::import_("cellgrad._errors").attr("CompileError");
  bindBuilder(m);
  nb::class_<Module>(m, "Module", "A whole module of IR.")
      .def_static("parse", &parse, nb::arg("text"), nb::arg("filename") = "<text>", "Parses MLIR text. Raises CompileError.")
      .def(
          "text",
          [](const Module &self, bool locations) {
            std::string text = locked([&] { return self.text(locations); });
            return nb::steal<nb::str>(PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "replace"));
          },
          nb::arg("locations") = false, "The module as MLIR text.")
      .def(
          "fingerprint",
          [](const Module &self) {
            requireIntact(self, "fingerprint");
            return locked([&] { return self.fingerprint(); });
          },
          "A hash of the content, source locations left out.")
      .def(
          "clone",
          [](const Module &self) {
            requireIntact(self, "clone");
            return locked([&] { return self.clone(); });
          },
          "A copy that shares nothing.")
      .def(
          "saved",
          [](const Module &self) {
            requireIntact(self, "saved");
            auto entries = locked([&] { return self.saved(); });
            nb::list list;
            for (const SavedEntry &e : entries)
              list.append(nb::make_tuple(e.producer, e.producedAt.file, e.producedAt.line, e.producedAt.column, kDtypes[elementIndex(e.type)],
                                         shapeTuple(e.type), e.bytes, e.times, e.perIteration, e.reader, e.readAt.file, e.readAt.line, e.readAt.column));
            return list;
          },
          "What the derivatives of the module save, the largest first, once they are written out: tuples (op, file, line, column, dtype, shape, bytes, times,\n"
          "per_iteration, reader, reader_file, reader_line, reader_column). `times` counts calls and trips of loops; with `per_iteration` there are\n"
          "loops whose trips are not known, and it counts one of each. `reader` is the op whose derivative needs the value.")
      .def("run", &run, nb::arg("pipeline"), nb::arg("verify_each") = false,
           "Runs a pipeline by name, or a textual pass pipeline, and returns the seconds it took. Raises CompileError where a pass reports\n"
           "an error, and InternalError where the compiler itself gave up; the module can then only be printed.")
      .def("remarks", &remarks, nb::arg("pipeline"),
           "Runs a pipeline as run() does; gives what its passes remarked, as tuples like those of CompileError.diagnostics.")
      .def("split", &split, nb::arg("late_arguments"),
           "Splits a program without derivatives left to write out by what depends on some of its arguments: this module becomes the first half, which returns\n"
           "residuals after its own results. Gives the second half (residuals, late arguments) -> late results, the numbers of these among the results of\n"
           "the whole, and (dtype, shape) of each residual. Raises CompileError where a value that must be kept is no tensor.")
      .def("emit", &emitObject, nb::arg("level") = 3, nb::arg("cpu") = "", nb::arg("features") = "", nb::arg("cubin") = nb::bytes("", 0),
           "Machine code of a module in the LLVM dialect: the bytes of a relocatable object, and a dict of the seconds of each step.\n"
           "Empty `cpu` and `features` mean this machine's. The object of a GPU program carries its kernels as PTX, or as `cubin`. Raises CompileError.")
      .def(
          "ptx", [](const Module &module, int level) { return toStr(emit(module, EmitOptions::Ptx, level, "", "").first); }, nb::arg("level") = 3,
          "The kernels of a GPU program as PTX, \"\" where it has none.")
      .def("hivm", &hivmText, nb::arg("form") = "auto",
           "The kernels of a module at stage \"ascend\" as HIVM text, products not taken apart (cell-to-ascend{decompose=false}): `form` \"auto\" leaves memory and\n"
           "flags to the vendor's compiler, \"planned\" gives ours. Raises CompileError where an op has no form in HIVM.")
      .def(
          "kernels",
          [](const Module &self) {
            requireIntact(self, "kernels");
            auto entries = locked([&] { return self.kernels(); });
            nb::list list;
            for (const KernelEntry &e : entries)
              list.append(nb::make_tuple(e.name, e.place.file, e.place.line, e.place.column, nb::make_tuple(e.grid[0], e.grid[1], e.grid[2]),
                                         nb::make_tuple(e.block[0], e.block[1], e.block[2]), e.sharedBytes, e.launches, e.core));
            return list;
          },
          "The kernels of a module at stage \"gpu\" or \"ascend\", in the order of their numbers: tuples (name, file, line, column, grid, block, shared_bytes,\n"
          "launches, core). A size of grid or block is -1 where launches differ or the host computes it; core is \"\" but for an accelerator.")
      .def("assembly", &emitText<EmitOptions::Assembly>, nb::arg("level") = 3, nb::arg("cpu") = "", nb::arg("features") = "",
           "The same as assembly text.")
      .def("llvm_ir", &emitText<EmitOptions::LLVMIR>, nb::arg("level") = 3, nb::arg("cpu") = "", nb::arg("features") = "",
           "The optimised LLVM IR as text.")
      .def_prop_ro("intact", &Module::intact, "False after a pipeline has failed.");
  m.def(
      "ops",
      [] {
        nb::dict result;
        for (const OpInfo &op : opTable()) {
          nb::dict attributes;
          for (const AttributeInfo &info : op.attributes)
            attributes[nb::str(info.name.data(), info.name.size())] = nb::make_tuple(kindName(info.kind), info.required);
          result[nb::str(op.name.data(), op.name.size())] = nb::make_tuple(op.minOperands, op.maxOperands, op.buildable, attributes);
        }
        return result;
      },
      "What the binding knows of each op: name -> (least operands, most operands or -1, whether op() builds it, attribute -> (kind, required)).");
  m.def("host_processor", &hostProcessor, "Name and features of this machine's processor, as the code generator sees it.");
  m.def("build_id", &buildId, "Identifies this build of the compiler.");
}
