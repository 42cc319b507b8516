//===- context.cpp - the MLIR context, diagnostics, types and locations ---===//
#include "python/bindings/compiler/context.h"

#include "dialect/Cell/Cell.h"
#include "passes/Pipelines.h"

#include "mlir-c/RegisterEverything.h"
#include "mlir/CAPI/IR.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Diagnostics.h"

using namespace mlir;

namespace cellgrad::native {

static Errors *sink = nullptr;

std::mutex &contextMutex() {
  static std::mutex mutex;
  return mutex;
}

//===----------------------------------------------------------------------===//
// Diagnostics
//===----------------------------------------------------------------------===//

using Note = ::cellgrad::native::Diagnostic;

/// Fills in file, line and column of the innermost place; the places that called it become notes of `callers`.
static void place(Note &diagnostic, Location location, Note *callers) {
  if (auto call = dyn_cast<CallSiteLoc>(location)) {
    place(diagnostic, call.getCallee(), callers);
    if (callers) {
      Note note;
      note.message = "called from here";
      place(note, call.getCaller(), callers);
      callers->notes.insert(callers->notes.begin(), std::move(note));
    }
  } else if (auto named = dyn_cast<NameLoc>(location)) {
    place(diagnostic, named.getChildLoc(), callers);
  } else if (auto fused = dyn_cast<FusedLoc>(location)) {
    for (Location part : fused.getLocations())
      if (diagnostic.file.empty())
        place(diagnostic, part, callers);
  } else if (auto range = dyn_cast<FileLineColRange>(location)) {
    diagnostic.file = range.getFilename().str();
    diagnostic.line = range.getStartLine();
    diagnostic.column = range.getStartColumn();
  }
}

Place placeOf(Location location) {
  Note note;
  place(note, location, nullptr);
  return {note.file, note.line, note.column};
}

static Note describe(Severity severity, Location location, std::string message, bool stack) {
  Note result;
  result.severity = severity;
  result.message = std::move(message);
  place(result, location, stack ? &result : nullptr);
  return result;
}

static Severity toSeverity(DiagnosticSeverity severity) {
  switch (severity) {
  case DiagnosticSeverity::Error:
    return Severity::Error;
  case DiagnosticSeverity::Warning:
    return Severity::Warning;
  case DiagnosticSeverity::Remark:
    return Severity::Remark;
  case DiagnosticSeverity::Note:
    break;
  }
  return Severity::Note;
}

static void receive(mlir::Diagnostic &diagnostic) {
  if (!sink)
    return;
  auto result = describe(toSeverity(diagnostic.getSeverity()), diagnostic.getLocation(), diagnostic.str(), sink->stacks);
  for (mlir::Diagnostic &note : diagnostic.getNotes())
    result.notes.push_back(describe(Severity::Note, note.getLocation(), note.str(), false));
  sink->list.push_back(std::move(result));
}

Capture::Capture(Errors &errors) : outer(sink) { sink = &errors; }
Capture::~Capture() { sink = outer; }

bool Errors::add(const void *location, std::string message) {
  list.push_back(describe(Severity::Error, location ? toLocation(location) : UnknownLoc::get(&context()), std::move(message), stacks));
  return false;
}

//===----------------------------------------------------------------------===//
// Context
//===----------------------------------------------------------------------===//

MLIRContext &context() {
  static MLIRContext *instance = [] {
    DialectRegistry registry;
    mlirRegisterAllDialects(wrap(&registry));
    cell::registerCellDialects(registry);
    cell::registerCellPassesAndPipelines();
    // Threads of the context would cost more than they give: a program is one module with a few functions.
    auto *context = new MLIRContext(registry, MLIRContext::Threading::DISABLED);
    context->printOpOnDiagnostic(false);
    context->loadDialect<cell::CellDialect, func::FuncDialect, scf::SCFDialect, tensor::TensorDialect, arith::ArithDialect>();
    context->getDiagEngine().registerHandler([](mlir::Diagnostic &diagnostic) {
      receive(diagnostic);
      return success();
    });
    return context;
  }();
  return *instance;
}

//===----------------------------------------------------------------------===//
// Types and locations
//===----------------------------------------------------------------------===//

int dtypeIndex(std::string_view dtype) {
  for (int i = 0; i < static_cast<int>(std::size(kDtypes)); ++i)
    if (dtype == kDtypes[i])
      return i;
  return -1;
}

Type elementType(int dtype) {
  static const auto *types = [] {
    MLIRContext *c = &context();
    return new std::vector<Type>{Float16Type::get(c),     BFloat16Type::get(c),    Float32Type::get(c),
                                 Float64Type::get(c),     IntegerType::get(c, 8),  IntegerType::get(c, 16),
                                 IntegerType::get(c, 32), IntegerType::get(c, 64), IntegerType::get(c, 8, IntegerType::Unsigned),
                                 IntegerType::get(c, 1)};
  }();
  return dtype < 0 || dtype >= static_cast<int>(types->size()) ? Type() : (*types)[dtype];
}

static int indexOf(Type element) {
  for (int i = 0; i < static_cast<int>(std::size(kDtypes)); ++i)
    if (elementType(i) == element)
      return i;
  return -1;
}

int elementIndex(const void *tensorType) { return indexOf(toTensor(tensorType).getElementType()); }

std::pair<const int64_t *, size_t> shapeOf(const void *tensorType) {
  ArrayRef<int64_t> shape = toTensor(tensorType).getShape();
  return {shape.data(), shape.size()};
}

/// Empty, or what is wrong with a tensor of this shape.
static std::string shapeProblem(ArrayRef<int64_t> shape, int dtype) {
  constexpr int64_t kLimit = int64_t(1) << 46; // bytes; keeps every product of sizes within 64 bits
  int64_t bytes = kElementBytes[dtype];
  if (shape.size() > 64)
    return "a tensor has at most 64 dimensions, but this one would have " + std::to_string(shape.size());
  for (int64_t size : shape) {
    if (size < 0)
      return "a dimension cannot be " + std::to_string(size);
    if (size > 0 && bytes > kLimit / size)
      return "a tensor of this shape would need more than 2^46 bytes";
    bytes *= std::max<int64_t>(size, 1);
  }
  return {};
}

const void *tensorType(int dtype, const std::vector<int64_t> &shape, const void *location, Errors &errors) {
  std::string problem = shapeProblem(shape, dtype);
  if (!problem.empty()) {
    errors.add(location, problem);
    return nullptr;
  }
  return RankedTensorType::get(shape, elementType(dtype)).getAsOpaquePointer();
}

bool checkResultType(Type type, Location location, Errors &errors) {
  const void *where = location.getAsOpaquePointer();
  auto tensor = dyn_cast<RankedTensorType>(type);
  int dtype = tensor ? indexOf(tensor.getElementType()) : -1;
  if (dtype < 0)
    return errors.add(where, "the result is no tensor of a known dtype");
  std::string problem = shapeProblem(tensor.getShape(), dtype);
  return problem.empty() || errors.add(where, "result: " + problem);
}

const void *unknownLocation() { return UnknownLoc::get(&context()).getAsOpaquePointer(); }

const void *fileLocation(std::string_view file, unsigned line, unsigned column, const void *caller) {
  Location location = FileLineColLoc::get(&context(), StringRef(file), line, column);
  if (caller)
    location = CallSiteLoc::get(location, toLocation(caller));
  return location.getAsOpaquePointer();
}

std::string locationText(const void *location) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  toLocation(location).print(stream);
  return text;
}

} // namespace cellgrad::native
