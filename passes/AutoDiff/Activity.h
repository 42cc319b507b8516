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
  explicit ActivityAnalysis(SymbolTable &symbols) : symbols(symbols) {}

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

  SymbolTable &symbols;
  DenseMap<Operation *, SmallVector<llvm::BitVector>> known;
};

} // namespace mlir::cell

#endif // CELL_PASSES_AUTODIFF_ACTIVITY_H
