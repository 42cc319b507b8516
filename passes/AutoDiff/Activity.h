//===- Activity.h - which values take part in a derivative ----------------===//
#ifndef CELL_PASSES_AUTODIFF_ACTIVITY_H
#define CELL_PASSES_AUTODIFF_ACTIVITY_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/SymbolTable.h"

#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/DenseSet.h"

namespace mlir::cell {

/// Which arguments are differentiated and which results carry a cotangent.
struct DerivativeKey {
  SmallVector<bool> arguments;
  SmallVector<bool> results;
};

/// True for types whose values can have a derivative: tensors (of index excepted), tapes of them, float scalars.
bool mayCarryDerivative(Type type);

/// True for ops through which no derivative flows. Tapes carry what was pushed on them.
bool blocksDerivative(Operation *op);

/// Values of a function on a path from a differentiated argument to a result with a cotangent, through regions, the carried values of
/// loops and calls. Nothing is computed for others.
class ActivityAnalysis {
public:
  /// Which dependences count: those that a derivative flows along, or all, also of conditions and through ops without derivative.
  enum class Flow { Derivative, Any };

  explicit ActivityAnalysis(SymbolTable &symbols, Flow kind = Flow::Derivative) : symbols(symbols), kind(kind) {}

  llvm::DenseSet<Value> activeValues(func::FuncOp function, const DerivativeKey &key);

  /// Per result of a function, the arguments that a derivative may flow from. All of them where the function has a rule of its own.
  const SmallVector<llvm::BitVector> &dependences(func::FuncOp function);

private:
  /// Per value, the arguments of the function that it depends on.
  using Dependences = DenseMap<Value, llvm::BitVector>;
  Dependences flowForward(func::FuncOp function);
  bool flowForward(Block &block, Dependences &dependences);
  bool flowBackward(Block &block, llvm::DenseSet<Value> &useful);
  SmallVector<llvm::BitVector> callDependences(func::CallOp call);

  /// Whether anything can flow to a value, and through an op.
  bool carries(Value value) const { return kind == Flow::Any || mayCarryDerivative(value.getType()); }
  bool blocks(Operation *op) const { return kind == Flow::Derivative && blocksDerivative(op); }

  SymbolTable &symbols;
  Flow kind;
  DenseMap<Operation *, SmallVector<llvm::BitVector>> known;
};

} // namespace mlir::cell

#endif // CELL_PASSES_AUTODIFF_ACTIVITY_H
