//===- Pull.h - rules of elementwise upstream ops as formulas --------------===//
// A rule is a function `Num pull(Op op, unsigned operand, Num g)`: what the cotangent g of the only result gives to an operand, no value
// where that is zero. It is written over SSA values (passes/ExpandMath/Num.h), so it serves scalars and tensors alike.
#ifndef CELL_PASSES_AUTODIFF_EXTERNAL_PULL_H
#define CELL_PASSES_AUTODIFF_EXTERNAL_PULL_H

#include "dialect/Cell/Cell.h"
#include "passes/ExpandMath/Num.h"

#include "mlir/IR/TypeUtilities.h"

namespace mlir::cell {

inline bool hasFloatElements(Value value) { return isa<FloatType>(getElementTypeOrSelf(value.getType())); }

/// g where the condition holds: a selection, so that nothing of an element not taken (inf, NaN) gets through.
inline Num where(Num condition, Num g) { return select(condition, g, g.number(0)); }

/// -g, also of a zero.
Num minus(Num g);

/// Gives each of the ops its model.
template <template <typename> class Model, typename... Ops> void attach(MLIRContext *context) { (Ops::template attachInterface<Model<Ops>>(*context), ...); }

/// The interface of an op from an overload of `pull`, found where the op's rules are defined.
#define CELL_PULL_MODEL(NAME)                                                                                                                        \
  template <typename Op> struct NAME : DifferentiableOpInterface::ExternalModel<NAME<Op>, Op> {                                                      \
    LogicalResult buildVjp(Operation *op, OpBuilder &builder, ArrayRef<Value> cotangents, ArrayRef<bool> needed,                                     \
                           SmallVectorImpl<Value> &grads) const {                                                                                    \
      if (!cotangents[0] || !hasFloatElements(op->getResult(0)))                                                                                     \
        return success();                                                                                                                            \
      Emitter emitter{builder, op->getLoc(), /*fma=*/false};                                                                                         \
      for (auto [i, flag] : llvm::enumerate(needed))                                                                                                 \
        if (flag && hasFloatElements(op->getOperand(i)))                                                                                             \
          grads[i] = pull(cast<Op>(op), i, Num{&emitter, cotangents[0]}).value;                                                                      \
      return success();                                                                                                                              \
    }                                                                                                                                                \
  };

/// An op whose derivative is zero where it has one: rounding, conversions from integers.
template <typename Op> struct FlatModel : DifferentiableOpInterface::ExternalModel<FlatModel<Op>, Op> {
  LogicalResult buildVjp(Operation *, OpBuilder &, ArrayRef<Value>, ArrayRef<bool>, SmallVectorImpl<Value> &) const { return success(); }
};

} // namespace mlir::cell

#endif // CELL_PASSES_AUTODIFF_EXTERNAL_PULL_H
