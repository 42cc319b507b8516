//===- TapeMemory.cpp - whose memory the items of tapes are ---------------===//
#include "passes/LinalgToLLVM/TapeMemory.h"

#include "dialect/Rt/RtOps.h"
#include "passes/LinalgToLLVM/BufferRoots.h"
#include "passes/LinalgToLLVM/Common.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Interfaces/LoopLikeInterface.h"

using namespace mlir;
using namespace mlir::cell;

namespace {
/// Different handles that are made here are different tapes, and so are different arguments, as each tape has one user.
bool maybeSameTape(Value a, Value b) {
  auto known = [](Value tape) { return isa<BlockArgument>(tape) || tape.getDefiningOp<cellrt::TapeCreateOp>(); };
  return a == b || !known(a) || !known(b);
}

/// Whether `op`, or something inside it, may put an item onto `tape` or take one off.
bool usesTape(Operation *op, Value tape) {
  return op
      ->walk([&](Operation *inner) {
        if (!isa<cellrt::TapeReserveOp, cellrt::TapePopOp, cellrt::TapeFreeOp, func::CallOp>(inner))
          return WalkResult::advance();
        bool same = llvm::any_of(inner->getOperands(), [&](Value operand) { return operand.getType().isInteger(64) && maybeSameTape(operand, tape); });
        return same ? WalkResult::interrupt() : WalkResult::advance();
      })
      .wasInterrupted();
}

/// What uses `memory` or a value that may point into it.
struct Uses {
  SmallVector<OpOperand *> all;
  bool escapes = false; // out of the block that `memory` is made in

  explicit Uses(Value memory) {
    Block *home = memory.getParentBlock();
    llvm::SmallSetVector<Value, 8> aliases;
    aliases.insert(memory);
    for (unsigned i = 0; i < aliases.size(); ++i)
      for (OpOperand &use : aliases[i].getUses()) {
        all.push_back(&use);
        escapes |= use.getOwner()->getBlock() == home && use.getOwner()->hasTrait<OpTrait::IsTerminator>();
        SmallVector<Value> handed;
        appendAliases(use, handed);
        aliases.insert(handed.begin(), handed.end());
      }
  }
};

/// Whether an operation from `from` to the last of `uses`, both in `block`, uses the tape.
bool isTapeUsedUntil(Operation *from, const Uses &uses, Value tape) {
  Block *block = from->getBlock();
  Operation *last = from;
  for (OpOperand *use : uses.all)
    if (Operation *place = block->findAncestorOpInBlock(*use->getOwner()); place && last->isBeforeInBlock(place))
      last = place;
  for (Operation *op = from->getNextNode(); op; op = op->getNextNode()) {
    if (usesTape(op, tape))
      return true;
    if (op == last)
      break;
  }
  return false;
}

/// An item's memory is that of the next one that is pushed: where it could be in use then, the item is copied out.
void protect(cellrt::TapePopOp pop) {
  Uses uses(pop.getItem());
  if (!uses.escapes && !isTapeUsedUntil(pop, uses, pop.getTape()))
    return;
  OpBuilder builder(pop->getContext());
  builder.setInsertionPointAfter(pop);
  Value copy = memref::AllocOp::create(builder, pop.getLoc(), cast<MemRefType>(pop.getItem().getType()), builder.getI64IntegerAttr(cpu::kAlignment));
  auto move = memref::CopyOp::create(builder, pop.getLoc(), pop.getItem(), copy);
  pop.getItem().replaceAllUsesExcept(copy, move);
}

bool onlyReads(OpOperand &use) {
  Operation *op = use.getOwner();
  if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op))
    return linalgOp.isDpsInput(&use);
  if (auto call = dyn_cast<cellrt::CallOp>(op))
    return call.isDpsInput(&use);
  if (auto copy = dyn_cast<memref::CopyOp>(op))
    return &use == &copy.getSourceMutable();
  return isa<memref::LoadOp, memref::SubViewOp, memref::CollapseShapeOp, memref::ExpandShapeOp, memref::CastOp, cellrt::PrintOp>(op);
}

/// Whether `op` writes all of `memory` and does not read it.
bool overwrites(Operation *op, Value memory) {
  auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
  if (!linalgOp || llvm::is_contained(linalgOp.getDpsInputs(), memory))
    return false;
  return llvm::any_of(linalgOp.getDpsInitsMutable(), [&](OpOperand &init) {
    return init.get() == memory && linalgOp.getMatchingBlockArgument(&init).use_empty() && linalgOp.getMatchingIndexingMap(&init).isPermutation();
  });
}

/// A buffer that is saved, and only read afterwards, is the item from the start.
void makeInPlace(cellrt::TapeReserveOp reserve) {
  auto copy = dyn_cast_or_null<memref::CopyOp>(reserve->getNextNode());
  if (!copy || copy.getTarget() != reserve.getItem() || !reserve.getItem().hasOneUse())
    return;
  auto alloc = copy.getSource().getDefiningOp<memref::AllocOp>();
  if (!alloc || alloc.getType() != reserve.getItem().getType())
    return;
  Uses uses(alloc);
  Operation *first = reserve;
  for (OpOperand *use : uses.all) {
    Operation *place = reserve->getBlock()->findAncestorOpInBlock(*use->getOwner());
    // A buffer from outside may be used by this block only: then it is new in each iteration.
    if (!place || place->hasTrait<OpTrait::IsTerminator>() || (reserve->isBeforeInBlock(place) && !onlyReads(*use)))
      return;
    if (place->isBeforeInBlock(first))
      first = place;
  }
  if (alloc->getBlock() != reserve->getBlock() && !overwrites(first, alloc))
    return;
  Operation *handle = reserve.getTape().getDefiningOp();
  if (handle && handle->getBlock() == first->getBlock() && !handle->isBeforeInBlock(first))
    return;
  for (Operation *op = first; op != reserve; op = op->getNextNode())
    if (usesTape(op, reserve.getTape()))
      return;
  if (isTapeUsedUntil(reserve, uses, reserve.getTape()))
    return;
  copy.erase();
  reserve->moveBefore(first);
  alloc.replaceAllUsesWith(reserve.getItem());
  alloc.erase();
}

/// Without this, tapes of inner derivatives would pile up until the program ends.
void freeAtEnd(cellrt::TapeCreateOp create) {
  Operation *loop = create->getParentOp();
  while (loop && !isa<LoopLikeOpInterface>(loop))
    loop = loop->getParentOp();
  if (!loop)
    return;
  for (Operation *user : create.getTape().getUsers())
    if (!isa<cellrt::TapeReserveOp, cellrt::TapePopOp>(user))
      return; // it may leave
  OpBuilder builder(create->getBlock()->getTerminator());
  cellrt::TapeFreeOp::create(builder, create.getLoc(), create.getTape());
}
} // namespace

void cell::settleTapes(ModuleOp module) {
  SmallVector<Operation *> ops;
  module.walk([&](Operation *op) {
    if (isa<cellrt::TapePushOp, cellrt::TapePopOp, cellrt::TapeReserveOp, cellrt::TapeCreateOp>(op))
      ops.push_back(op);
  });
  for (Operation *&op : ops)
    if (auto push = dyn_cast<cellrt::TapePushOp>(op)) { // of a scalar, which bufferisation does not see
      OpBuilder builder(push);
      auto reserve = cellrt::TapeReserveOp::create(builder, push.getLoc(), MemRefType::get({}, push.getValue().getType()), push.getTape());
      memref::StoreOp::create(builder, push.getLoc(), push.getValue(), reserve.getItem());
      push.erase();
      op = reserve;
    }
  for (Operation *op : ops)
    if (auto pop = dyn_cast<cellrt::TapePopOp>(op))
      protect(pop);
  for (Operation *op : ops)
    if (auto reserve = dyn_cast<cellrt::TapeReserveOp>(op))
      makeInPlace(reserve);
  for (Operation *op : ops)
    if (auto create = dyn_cast<cellrt::TapeCreateOp>(op))
      freeAtEnd(create);
}
