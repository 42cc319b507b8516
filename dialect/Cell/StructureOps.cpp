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

/// Checks a derivative op against the function it names.
static LogicalResult verifyDerivative(Operation *op, SymbolTableCollection &symbols, FlatSymbolRefAttr callee, ValueRange inputs,
                                      ValueRange cotangents, bool takesCotangents, ArrayRef<int64_t> wrt, ArrayRef<int64_t> outputs,
                                      TypeRange results) {
  auto function = symbols.lookupNearestSymbolFrom<func::FuncOp>(op, callee);
  if (!function)
    return op->emitOpError("names ") << callee << ", but there is no such function";
  FunctionType type = function.getFunctionType();
  auto fail = [&](const Twine &message) -> LogicalResult {
    auto diagnostic = op->emitOpError(message);
    diagnostic.attachNote(function.getLoc()) << "the function is " << callee << " : " << type;
    return diagnostic;
  };
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
  for (int64_t i : wrt)
    expected.push_back(type.getInput(i));
  if (TypeRange(expected) != results)
    return fail("results must be the function's results followed by one gradient per entry of wrt");
  if (!takesCotangents)
    return success();
  if (cotangents.size() != outputs.size())
    return fail(Twine("needs one cotangent per entry of outputs: ") + Twine(outputs.size()) + ", but got " + Twine(cotangents.size()));
  for (auto [cotangent, i] : llvm::zip(cotangents, outputs))
    if (cotangent.getType() != type.getResult(i))
      return fail(Twine("the cotangent of result ") + Twine(i) + " has another type than the result");
  return success();
}

LogicalResult ValueAndGradOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return verifyDerivative(getOperation(), symbols, getCalleeAttr(), getInputs(), {}, false, getWrt(), getOutputs(), getResultTypes());
}

LogicalResult VjpOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return verifyDerivative(getOperation(), symbols, getCalleeAttr(), getInputs(), getCotangents(), true, getWrt(), getOutputs(),
                          getResultTypes());
}

#define GET_OP_CLASSES
#include "dialect/Cell/StructureOps.cpp.inc"
