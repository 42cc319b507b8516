//===- StructureOps.cpp - constants, derivatives of functions, barriers ---===//
#include "dialect/Cell/Cell.h"
#include "dialect/Cell/Infer.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;
using namespace mlir::cell;

LogicalResult ConstantOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, ValueRange operands, DictionaryAttr attributes,
                                           OpaqueProperties properties, RegionRange regions, SmallVectorImpl<Type> &inferred) {
  ConstantOpAdaptor adaptor(operands, attributes, properties, regions);
  inferred.push_back(adaptor.getValue().getType());
  return success();
}

OpFoldResult ConstantOp::fold(FoldAdaptor) { return getValue(); }

LogicalResult StopGradientOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, ValueRange operands, DictionaryAttr,
                                               OpaqueProperties, RegionRange, SmallVectorImpl<Type> &inferred) {
  return inferSameType(getOperationName(), location, operands, inferred);
}

namespace {
/// A request for a function made from another, and the checks that all have in common.
struct Request {
  Operation *op;
  func::FuncOp function;

  static FailureOr<Request> resolve(Operation *op, SymbolTableCollection &symbols, FlatSymbolRefAttr callee) {
    auto function = symbols.lookupNearestSymbolFrom<func::FuncOp>(op, callee);
    if (!function)
      return op->emitOpError("names ") << callee << ", but there is no such function";
    return Request{op, function};
  }
  LogicalResult fail(const Twine &message) const {
    auto diagnostic = op->emitOpError(message);
    diagnostic.attachNote(function->getLoc()) << "the function is @" << func::FuncOp(function).getSymName() << " : " << type();
    return diagnostic;
  }
  FunctionType type() const { return func::FuncOp(function).getFunctionType(); }
};
} // namespace

/// Checks a derivative op against the function it names. Its results are those of the function and the gradients or tangents; `given` are
/// cotangents or tangents.
static LogicalResult verifyDerivative(Operation *op, SymbolTableCollection &symbols, FlatSymbolRefAttr callee, ValueRange inputs,
                                      std::optional<ValueRange> given, ArrayRef<int64_t> wrt, ArrayRef<int64_t> outputs, TypeRange results,
                                      bool isForward = false) {
  auto request = Request::resolve(op, symbols, callee);
  if (failed(request))
    return failure();
  FunctionType type = request->type();
  auto fail = [&](const Twine &message) { return request->fail(message); };
  if (TypeRange(type.getInputs()) != TypeRange(inputs))
    return fail("operand types differ from the function's arguments");
  SmallVector<Type> expected(type.getResults());
  for (auto [list, limit, word] : {std::tuple(wrt, type.getNumInputs(), "argument"), std::tuple(outputs, type.getNumResults(), "result")}) {
    SmallVector<int64_t> sorted(list);
    llvm::sort(sorted);
    if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end())
      return fail(Twine("names one ") + word + " twice");
    for (int64_t i : list)
      if (i < 0 || i >= static_cast<int64_t>(limit))
        return fail(Twine("names ") + word + " " + Twine(i) + ", but the function has " + Twine(limit));
  }
  if (isForward) {
    for (int64_t i : outputs)
      expected.push_back(type.getResult(i));
    if (TypeRange(expected) != results)
      return fail("results must be the function's results followed by one tangent per entry of outputs");
  } else {
    for (int64_t i : wrt)
      expected.push_back(type.getInput(i));
    if (TypeRange(expected) != results)
      return fail("results must be the function's results followed by one gradient per entry of wrt");
  }
  if (!given)
    return success();
  ArrayRef<int64_t> of = isForward ? wrt : outputs;
  StringRef noun = isForward ? "tangent" : "cotangent", list = isForward ? "wrt" : "outputs", which = isForward ? "argument" : "result";
  if (given->size() != of.size())
    return fail(Twine("needs one ") + noun + " per entry of " + list + ": " + Twine(of.size()) + ", but got " + Twine(given->size()));
  for (auto [value, i] : llvm::zip(*given, of))
    if (value.getType() != (isForward ? type.getInput(i) : type.getResult(i)))
      return fail(Twine("the ") + noun + " of " + which + " " + Twine(i) + " has another type than the " + which);
  return success();
}

LogicalResult ValueAndGradOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return verifyDerivative(getOperation(), symbols, getCalleeAttr(), getInputs(), std::nullopt, getWrt(), getOutputs(),
                          getResultTypes());
}

LogicalResult VjpOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return verifyDerivative(getOperation(), symbols, getCalleeAttr(), getInputs(), ValueRange(getCotangents()), getWrt(), getOutputs(),
                          getResultTypes());
}

LogicalResult JvpOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return verifyDerivative(getOperation(), symbols, getCalleeAttr(), getInputs(), ValueRange(getTangents()), getWrt(), getOutputs(), getResultTypes(),
                          /*isForward=*/true);
}

/// Whether `batch` is `one` with a dimension of `size` at `axis`, or `one` itself where that is -1.
static bool isBatchOf(Type batch, Type one, int64_t axis, int64_t size) {
  auto tensor = dyn_cast<RankedTensorType>(one);
  if (!tensor || axis == -1)
    return batch == one && tensor;
  if (axis < 0 || axis > tensor.getRank())
    return false;
  SmallVector<int64_t> shape(tensor.getShape());
  shape.insert(shape.begin() + axis, size);
  return batch == tensor.clone(shape);
}

LogicalResult VmapOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto request = Request::resolve(getOperation(), symbols, getCalleeAttr());
  if (failed(request))
    return failure();
  FunctionType type = request->type();
  int64_t size = getSize();
  if (size < 0)
    return request->fail("the size of a batch is not negative");
  if (getInputs().size() != type.getNumInputs() || getInAxes().size() != type.getNumInputs())
    return request->fail("needs one operand and one entry of in_axes per argument of the function");
  if (getNumResults() != type.getNumResults() || getOutAxes().size() != type.getNumResults())
    return request->fail("needs one result and one entry of out_axes per result of the function");
  for (auto [i, value, axis] : llvm::enumerate(getInputs(), getInAxes()))
    if (!isBatchOf(value.getType(), type.getInput(i), axis, size))
      return request->fail("operand " + Twine(i) + " is no batch of " + Twine(size) + " along axis " + Twine(axis) + " of the function's argument");
  for (auto [i, value, axis] : llvm::enumerate(getResults(), getOutAxes()))
    if (!isBatchOf(value.getType(), type.getResult(i), axis, size))
      return request->fail("result " + Twine(i) + " is no batch of " + Twine(size) + " along axis " + Twine(axis) + " of the function's result");
  return success();
}

#define GET_OP_CLASSES
#include "dialect/Cell/StructureOps.cpp.inc"
