//===- RtOps.cpp - the cellrt dialect: calls of runtime routines ----------===//
#include "dialect/Rt/RtOps.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::cellrt;

#include "dialect/Rt/RtDialect.cpp.inc"

void CellRtDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "dialect/Rt/RtOps.cpp.inc"
      >();
}

void CallOp::build(OpBuilder &builder, OperationState &state, StringRef routine, ValueRange ins, ValueRange outs,
                   ArrayRef<int64_t> params) {
  SmallVector<Type> results;
  for (Type type : outs.getTypes())
    if (isa<RankedTensorType>(type))
      results.push_back(type);
  build(builder, state, results, routine, params, ins, outs);
}

bool CallOp::accumulates() { return getRoutine() == "scatter_add" || (*this)->hasAttr("accumulate"); }

void CallOp::getEffects(SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  for (OpOperand &operand : getInsMutable())
    if (isa<MemRefType>(operand.get().getType()))
      effects.emplace_back(MemoryEffects::Read::get(), &operand);
  for (OpOperand &operand : getOutsMutable())
    if (isa<MemRefType>(operand.get().getType())) {
      effects.emplace_back(MemoryEffects::Read::get(), &operand);
      effects.emplace_back(MemoryEffects::Write::get(), &operand);
    }
}

LogicalResult LaunchOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto kernel = symbols.lookupNearestSymbolFrom<FunctionOpInterface>(*this, getKernelAttr());
  if (!kernel)
    return emitOpError("names the kernel '") << getKernel() << "', which is not a function of this module";
  if (kernel.getNumArguments() != getArgs().size() + 2)
    return emitOpError("passes ") << getArgs().size() << " values and a range, but the kernel '" << getKernel()
                                  << "' takes " << kernel.getNumArguments() << " arguments";
  return success();
}

LogicalResult cellrt::PrintOp::verify() {
  if (getDtypes().size() != getValues().size())
    return emitOpError("has ") << getValues().size() << " operands, but " << getDtypes().size() << " dtypes";
  return success();
}

int64_t cellrt::tapeStride(int64_t bytes) {
  // Small items lie close, larger ones where vector instructions like them.
  int64_t alignment = std::min<int64_t>(64, llvm::PowerOf2Ceil(std::max<int64_t>(bytes, 1)));
  return std::max<int64_t>(llvm::alignTo(bytes, alignment), 1);
}

#define GET_OP_CLASSES
#include "dialect/Rt/RtOps.cpp.inc"
