//===- FoldProductOperands.cpp - products read their factors as they lie --===//
#include "passes/LinalgToGpu/Passes.h"
#include "passes/LinalgToLLVM/Contraction.h"

#include "dialect/Rt/RtOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"

namespace mlir::cell {
#define GEN_PASS_DEF_FOLDPRODUCTOPERANDS
#define GEN_PASS_DEF_ROUNDPRODUCTS
#include "passes/LinalgToGpu/GpuMappingPasses.h.inc"
} // namespace mlir::cell

using namespace mlir;
using namespace mlir::cell;

namespace {
/// The smaller elements that `value` is extended from, one by one and in place, or null.
Value extendedFrom(Value value) {
  auto op = value.getDefiningOp<linalg::GenericOp>();
  if (!op || op.getNumDpsInputs() != 1 || op.getNumDpsInits() != 1 || op.getBody()->getOperations().size() != 2 ||
      !llvm::all_of(op.getIndexingMapsArray(), [](AffineMap map) { return map.isIdentity(); }))
    return nullptr;
  Operation &inner = op.getBody()->front();
  bool extends = isa<arith::ExtFOp, arith::ExtSIOp>(inner) && inner.getOperand(0) == op.getBody()->getArgument(0) &&
                 op.getBody()->getTerminator()->getOperand(0) == inner.getResult(0);
  return extends && isa<RankedTensorType>(op.getDpsInputs()[0].getType()) ? op.getDpsInputs()[0] : Value();
}

struct Operand {
  Value value;
  AffineMap map;
};

/// Looks through transposes and extensions.
Operand lookThrough(Operand operand, bool mayExtend) {
  while (auto op = operand.value.getDefiningOp<linalg::GenericOp>()) {
    if (std::optional<Contraction::Dims> axes = permutedAxes(op)) {
      if (!isa<RankedTensorType>(op.getDpsInputs()[0].getType()))
        break;
      SmallVector<AffineExpr> exprs;
      for (unsigned axis : *axes)
        exprs.push_back(operand.map.getResult(axis));
      operand = {op.getDpsInputs()[0], AffineMap::get(operand.map.getNumDims(), 0, exprs, op.getContext())};
    } else if (Value narrow = mayExtend ? extendedFrom(operand.value) : Value()) {
      operand.value = narrow;
      mayExtend = false;
    } else {
      break;
    }
  }
  return operand;
}

/// Every dimension of the iteration still belongs to an operand.
bool coversDimensions(ArrayRef<AffineMap> maps) {
  for (unsigned d = 0; d < maps[0].getNumDims(); ++d)
    if (llvm::none_of(maps, [&](AffineMap map) { return map.isFunctionOfDim(d); }))
      return false;
  return true;
}

void foldContraction(linalg::GenericOp op) {
  std::optional<Contraction> contraction = Contraction::match(op, /*lookThrough=*/false);
  if (!contraction)
    return;
  SmallVector<Value> inputs(op.getDpsInputs());
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  Type sum = op.getBody()->getArgument(2).getType();
  bool changed = false;
  for (unsigned i : {0u, 1u}) {
    Operand found = lookThrough({inputs[i], maps[i]}, op.getBody()->getArgument(i).getType() == sum);
    changed |= found.value != inputs[i];
    inputs[i] = found.value, maps[i] = found.map;
  }
  if (!changed || !coversDimensions(maps))
    return;
  OpBuilder builder(op);
  auto folded = linalg::GenericOp::create(
      builder, op.getLoc(), op->getResultTypes(), inputs, op.getDpsInits(), maps, op.getIteratorTypesArray(), [&](OpBuilder &b, Location loc, ValueRange args) {
        IRMapping map;
        for (auto [before, argument] : llvm::zip_equal(op.getBody()->getArguments(), args)) {
          Value value = argument;
          if (value.getType() != before.getType())
            value = isa<FloatType>(before.getType()) ? arith::ExtFOp::create(b, loc, before.getType(), value).getResult()
                                                     : arith::ExtSIOp::create(b, loc, before.getType(), value).getResult();
          map.map(before, value);
        }
        for (Operation &inner : *op.getBody())
          b.clone(inner, map);
      });
  op->replaceAllUsesWith(folded);
  op->erase();
}

void foldConvolution(cellrt::CallOp op) {
  if (!op.getRoutine().starts_with("conv2d"))
    return;
  Value narrow[2];
  for (unsigned i : {0u, 1u}) {
    narrow[i] = extendedFrom(op.getIns()[i]);
    if (!narrow[i])
      return;
  }
  Type element = cast<RankedTensorType>(narrow[0].getType()).getElementType();
  if (element != cast<RankedTensorType>(narrow[1].getType()).getElementType() || !(element.isF16() || element.isBF16()))
    return;
  op.getInsMutable().slice(0, 2).assign(ValueRange(narrow));
}

/// The type of both factors where that is a smaller float than the sum's, or null.
Type narrowFactors(Operation *op) {
  auto call = dyn_cast<cellrt::CallOp>(op);
  auto generic = dyn_cast<linalg::GenericOp>(op);
  if (call ? !call.getRoutine().starts_with("conv2d") : !generic || !Contraction::match(generic, /*lookThrough=*/false))
    return nullptr;
  auto elementOf = [](Value value) { return cast<RankedTensorType>(value.getType()).getElementType(); };
  Type type = elementOf(op->getOperand(0));
  bool isNarrow = (type.isF16() || type.isBF16()) && elementOf(op->getOperand(1)) == type && elementOf(op->getResult(0)).isF32();
  return isNarrow ? type : Type();
}

bool isPointwise(linalg::GenericOp op) { return op.getNumParallelLoops() == op.getNumLoops(); }

/// Rounds the result of `op` behind it if all readers do so first.
void roundResult(Operation *op, Type narrow) {
  Value wide = op->getResult(0);
  SmallVector<OpOperand *> uses;
  for (OpOperand &use : wide.getUses()) {
    auto reader = dyn_cast<linalg::GenericOp>(use.getOwner());
    if (!reader)
      return;
    auto rounds = [&](Operation *user) { return isa<arith::TruncFOp>(user) && user->getResult(0).getType() == narrow; };
    BlockArgument argument = reader.getMatchingBlockArgument(&use);
    if (reader.isDpsInit(&use) ? !argument.use_empty() : !llvm::all_of(argument.getUsers(), rounds))
      return;
    uses.push_back(&use);
  }
  // One pointwise reader is computed with the product as it is.
  if (uses.empty() || (uses.size() == 1 && isPointwise(cast<linalg::GenericOp>(uses[0]->getOwner()))))
    return;
  auto type = cast<RankedTensorType>(wide.getType());
  OpBuilder builder(op->getContext());
  builder.setInsertionPointAfter(op);
  Value empty = tensor::EmptyOp::create(builder, op->getLoc(), type.getShape(), narrow);
  AffineMap identity = builder.getMultiDimIdentityMap(type.getRank());
  SmallVector<utils::IteratorType> iterators(type.getRank(), utils::IteratorType::parallel);
  auto rounding = linalg::GenericOp::create(builder, op->getLoc(), TypeRange{empty.getType()}, wide, empty, {identity, identity}, iterators, [&](OpBuilder &b, Location loc, ValueRange args) {
    linalg::YieldOp::create(b, loc, arith::TruncFOp::create(b, loc, narrow, args[0]).getResult());
  });
  for (OpOperand *use : uses) {
    auto reader = cast<linalg::GenericOp>(use->getOwner());
    if (reader.isDpsInit(use)) {
      builder.setInsertionPoint(reader);
      use->set(tensor::EmptyOp::create(builder, reader.getLoc(), type.getShape(), type.getElementType()));
      continue;
    }
    BlockArgument argument = reader.getMatchingBlockArgument(use);
    use->set(rounding.getResult(0));
    argument.setType(narrow);
    for (Operation *user : llvm::make_early_inc_range(argument.getUsers())) {
      user->getResult(0).replaceAllUsesWith(argument);
      user->erase();
    }
  }
}

struct RoundProducts : cell::impl::RoundProductsBase<RoundProducts> {
  void runOnOperation() override {
    SmallVector<std::pair<Operation *, Type>> products;
    getOperation().walk([&](Operation *op) {
      if (op->getNumResults() != 1 || !isa<linalg::GenericOp, cellrt::CallOp>(op))
        return;
      if (Type narrow = narrowFactors(op))
        products.push_back({op, narrow});
    });
    for (auto [op, narrow] : products)
      roundResult(op, narrow);
  }
};

struct FoldProductOperands : cell::impl::FoldProductOperandsBase<FoldProductOperands> {
  void runOnOperation() override {
    SmallVector<Operation *> ops;
    getOperation().walk([&](Operation *op) {
      if (op->getNumResults() == 1 && isa<linalg::GenericOp, cellrt::CallOp>(op))
        ops.push_back(op);
    });
    for (Operation *op : ops) {
      if (auto generic = dyn_cast<linalg::GenericOp>(op))
        foldContraction(generic);
      else
        foldConvolution(cast<cellrt::CallOp>(op));
    }
  }
};
} // namespace
