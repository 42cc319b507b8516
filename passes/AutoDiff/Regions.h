//===- Regions.h - control flow that carries more or less -----------------===//
#ifndef CELL_PASSES_AUTODIFF_REGIONS_H
#define CELL_PASSES_AUTODIFF_REGIONS_H

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Builders.h"

namespace mlir::cell {

/// The op again with other operands and result types, its regions moved into it. Its results are not replaced.
Operation *rebuild(Operation *op, ValueRange operands, TypeRange results);

/// Makes scf.for, scf.while or scf.if carry more values, and returns the op that takes its place; the last of its results are theirs. `inside` is what
/// the body (of scf.while: the second region) sees of them; for scf.if that is `inits`. The caller then appends what each block yields with
/// appendYields. Blocks keep their identity.
Operation *carryThrough(Operation *op, ValueRange inits, SmallVectorImpl<Value> &inside);

/// Appends operands to the terminator of a block.
void appendYields(Block &block, ValueRange values);

/// Drops carried values of a loop that its body hands on unchanged: uses take what goes in.
scf::ForOp dropCarried(scf::ForOp loop, const llvm::BitVector &dropped);

/// Writes `while` so that its first region computes nothing that has a derivative: its computation goes before the loop and to the end of the
/// body, v = before(init); while (flag) v = before(after(v)).
void rotateLoop(scf::WhileOp loop);

/// Makes a loop count its trips in a carried i64, unless it does. Returns the loop.
scf::WhileOp countTrips(scf::WhileOp loop);

/// The result that has the trips of a loop, or null.
Value findTripCount(scf::WhileOp loop);

/// 0 of a value's type: a tensor, a scalar; an empty tape for a tape. Null after a diagnostic for another type.
Value createZero(OpBuilder &builder, Location loc, Value like);

} // namespace mlir::cell

#endif // CELL_PASSES_AUTODIFF_REGIONS_H
