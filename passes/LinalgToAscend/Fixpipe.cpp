//===- Fixpipe.cpp - pointwise ops that are computed on the way out of the cube ---===//
#include "passes/LinalgToAscend/Cube.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mlir::cell;

namespace {
class FixpipeMatcher {
public:
  explicit FixpipeMatcher(CubeProduct &c) : c(c), epilogue(c.product.epilogue), op(epilogue.op) {}

  bool run() {
    if (epilogue.keepsResult || op.getNumDpsInits() != 1 || !c.sumType().isF32() || !c.product.sumType().isF32())
      return false;
    for (auto [i, access] : llvm::enumerate(epilogue.accesses))
      if (epilogue.isResult[i] && !op.getBody()->getArgument(i).use_empty())
        value = value ? Value() : op.getBody()->getArgument(i);
    if (!value)
      return false;
    for (Operation &inner : op.getBody()->without_terminator())
      if (!inner.hasTrait<OpTrait::ConstantLike>() && !step(&inner))
        return false;
    if (op.getBody()->getTerminator()->getOperand(0) != value || condition)
      return false;
    c.out = epilogue.accesses[op.getNumDpsInputs()];
    return true;
  }

private:
  CubeProduct &c;
  Product::Epilogue &epilogue;
  linalg::GenericOp op;
  Value value;                       // the product, as far as it has come
  Operation *condition = nullptr;    // value <= 0
  llvm::SmallDenseMap<Value, Value> wide; // widened arguments
  bool narrow = false;

  static bool isZero(Value value) { return matchPattern(value, m_AnyZeroFloat()); }

  bool step(Operation *inner) {
    if (isa<arith::ExtFOp>(inner) && isa<BlockArgument>(inner->getOperand(0))) {
      wide[inner->getResult(0)] = inner->getOperand(0);
      return true;
    }
    if (auto add = dyn_cast<arith::AddFOp>(inner)) {
      Value other = add.getLhs() == value ? add.getRhs() : add.getLhs();
      if ((add.getLhs() != value && add.getRhs() != value) || other == value || narrow || c.relu || c.bias || !takeBias(other))
        return false;
    } else if (isa<arith::TruncFOp>(inner)) {
      if (inner->getOperand(0) != value || narrow)
        return false;
      narrow = true;
    } else if (isa<arith::MaximumFOp>(inner)) {
      if (inner->getOperand(0) != value || !isZero(inner->getOperand(1)))
        return false;
      c.relu = true;
    } else if (auto compare = dyn_cast<arith::CmpFOp>(inner)) {
      if (compare.getPredicate() != arith::CmpFPredicate::OLE || compare.getLhs() != value || !isZero(compare.getRhs()))
        return false;
      condition = inner;
      return true;
    } else if (auto select = dyn_cast<arith::SelectOp>(inner)) {
      if (!condition || select.getCondition() != condition->getResult(0) || !isZero(select.getTrueValue()) || select.getFalseValue() != value)
        return false;
      c.relu = true;
      condition = nullptr;
    } else {
      return false;
    }
    value = inner->getResult(0);
    return true;
  }

  /// One number per column, f32 or f16.
  bool takeBias(Value other) {
    if (Value argument = wide.lookup(other))
      other = argument;
    auto argument = dyn_cast<BlockArgument>(other);
    if (!argument || c.transposeA || c.transposeB)
      return false;
    Access access = epilogue.accesses[argument.getArgNumber()];
    access.simplify();
    if (epilogue.isResult[argument.getArgNumber()] || !access.isUniform(Access::Batch) || !access.isUniform(Access::Row) || lastSize(access, Access::Column) != c.product.n ||
        (c.product.n > 1 && lastStride(access, Access::Column) != 1) || !(access.element().isF32() || (access.element().isF16() && c.factorType().isF16())))
      return false;
    c.bias = access;
    return true;
  }
};
} // namespace

bool cell::matchFixpipe(CubeProduct &product) { return FixpipeMatcher(product).run(); }
