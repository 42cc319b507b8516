//===- Prepare.cpp - upstream ops in the form that their rules take -------===//
#include "passes/AutoDiff/External/External.h"
#include "passes/AutoDiff/External/Pull.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace mlir::cell;

/// Float scalars that the body reads from outside and that are not constants.
static SmallVector<Value> capturedScalars(Operation *op) {
  llvm::SetVector<Value> values;
  getUsedValuesDefinedAbove(op->getRegions(), values);
  return llvm::filter_to_vector(values, [](Value v) { return isa<FloatType>(v.getType()) && !matchPattern(v, m_Constant()); });
}

/// A captured scalar becomes an operand with the map () of no dimension.
static void liftCaptures(RewriterBase &rewriter, linalg::GenericOp op, ArrayRef<Value> captured) {
  rewriter.setInsertionPoint(op);
  unsigned inputs = op.getNumDpsInputs();
  SmallVector<Value> operands = op.getDpsInputs();
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  operands.append(captured.begin(), captured.end());
  maps.insert(maps.begin() + inputs, captured.size(), AffineMap::get(op.getNumLoops(), 0, op.getContext()));
  auto lifted = linalg::GenericOp::create(rewriter, op.getLoc(), op.getResultTypes(), operands, op.getDpsInits(), maps, op.getIteratorTypesArray());
  lifted.getRegion().takeBody(op.getRegion());
  for (auto [i, value] : llvm::enumerate(captured)) {
    Value inside = lifted.getBody()->insertArgument(inputs + i, value.getType(), value.getLoc());
    replaceAllUsesInRegionWith(value, inside, lifted.getRegion());
  }
  rewriter.replaceOp(op, lifted.getResults());
}

LogicalResult mlir::cell::checkCaptures(Operation *op, function_ref<bool(Value)> isActive) {
  if (op->getNumRegions() == 0)
    return success();
  llvm::SetVector<Value> captured;
  getUsedValuesDefinedAbove(op->getRegions(), captured);
  for (Value value : captured)
    if (isActive(value)) {
      auto diagnostic = op->emitError("'") << op->getName() << "' has no derivative by a value that its body takes from outside";
      diagnostic.attachNote(value.getLoc()) << "the value is made here; make it an operand";
      return diagnostic;
    }
  return success();
}

LogicalResult mlir::cell::checkActiveTypes(func::FuncOp function, function_ref<bool(Value)> isActive) {
  auto check = [&](Value value) {
    Type type = value.getType(), element = getElementTypeOrSelf(type);
    bool known = isa<TapeType, FloatType>(type) || (isa<VectorType>(type) && isa<FloatType>(element)) ||
                 (isa<RankedTensorType>(type) && (element.isF16() || element.isBF16() || element.isF32() || element.isF64() || isa<IntegerType>(element)));
    if (known || !isActive(value))
      return true;
    emitError(value.getLoc()) << "a value of type " << type << " takes part in a derivative; only floats of 16 to 64 bits and ranked tensors of them can"
                              << (isa<BaseMemRefType>(type) ? ": differentiate before bufferization" : "");
    return false;
  };
  WalkResult walk = function.walk([&](Operation *op) {
    for (Region &region : op->getRegions())
      for (BlockArgument argument : region.getArguments())
        if (!check(argument))
          return WalkResult::interrupt();
    return llvm::all_of(op->getResults(), check) ? WalkResult::advance() : WalkResult::interrupt();
  });
  return failure(walk.wasInterrupted());
}

LogicalResult mlir::cell::prepareForDerivative(func::FuncOp function) {
  IRRewriter rewriter(function.getContext());
  SmallVector<Operation *> work;
  function.walk([&](Operation *op) {
    if (isa<tensor::GenerateOp>(op) || (isa<tensor::PadOp, linalg::LinalgOp>(op) && !capturedScalars(op).empty()))
      work.push_back(op);
  });
  for (Operation *op : work) {
    rewriter.setInsertionPoint(op);
    if (auto pad = dyn_cast<tensor::PadOp>(op)) {
      if (failed(linalg::rewriteInDestinationPassingStyle(rewriter, pad)))
        return op->emitError("'") << op->getName() << "' has no derivative: its padding is not one value";
      continue;
    }
    if (auto generate = dyn_cast<tensor::GenerateOp>(op)) {
      auto generic = linalg::rewriteInDestinationPassingStyle(rewriter, generate);
      if (failed(generic))
        return failure();
      op = *generic;
    } else if (!isa<linalg::GenericOp>(op)) {
      auto generic = linalg::generalizeNamedOp(rewriter, cast<linalg::LinalgOp>(op));
      if (failed(generic))
        return op->emitError("'") << op->getName() << "' has no derivative: its body reads values from outside";
      op = *generic;
    }
    if (auto generic = dyn_cast<linalg::GenericOp>(op))
      if (SmallVector<Value> captured = capturedScalars(generic); !captured.empty() && generic.hasPureTensorSemantics())
        liftCaptures(rewriter, generic, captured);
  }
  return success();
}
