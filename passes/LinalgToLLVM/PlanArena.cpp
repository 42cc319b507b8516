//===- PlanArena.cpp - give every buffer an offset in one arena -----------===//
#include "passes/LinalgToLLVM/BufferRoots.h"
#include "passes/LinalgToLLVM/Common.h"
#include "passes/Passes.h"

#include "dialect/Rt/RtOps.h"
#include "passes/LinalgToLLVM/Routines.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

namespace mlir::cell {
#define GEN_PASS_DEF_PLANARENA
#include "passes/Passes.h.inc"
} // namespace mlir::cell

using namespace mlir;
using namespace mlir::cell;

namespace {
struct Buffer {
  memref::AllocOp alloc;
  int64_t bytes;
  int64_t first, last; // positions of the first and the last op that may touch it
  int64_t offset = 0;
};

/// Numbers the operations of a function: an op that holds regions spans those of its regions.
struct Positions {
  llvm::DenseMap<Operation *, std::pair<int64_t, int64_t>> spans;
  int64_t next = 0;

  void number(Operation *op) {
    int64_t first = next++;
    for (Region &region : op->getRegions())
      for (Block &block : region)
        for (Operation &inner : block)
          number(&inner);
    spans[op] = {first, next++};
  }
};

/// Places the buffers, largest first, each in the smallest gap that is free while it lives (greedy by size). Returns the bytes used.
int64_t placeBuffers(MutableArrayRef<Buffer> buffers) {
  SmallVector<Buffer *> order, placed;
  for (Buffer &buffer : buffers)
    order.push_back(&buffer);
  llvm::stable_sort(order, [](Buffer *a, Buffer *b) { return a->bytes > b->bytes; });
  int64_t total = 0;
  for (Buffer *buffer : order) {
    int64_t previousEnd = 0, best = -1, bestGap = INT64_MAX;
    for (Buffer *other : placed) { // by offset
      if (other->last < buffer->first || buffer->last < other->first)
        continue;
      int64_t gap = other->offset - previousEnd;
      if (gap >= buffer->bytes && gap < bestGap) {
        best = previousEnd;
        bestGap = gap;
      }
      previousEnd = std::max(previousEnd, other->offset + other->bytes);
    }
    buffer->offset = best >= 0 ? best : previousEnd;
    total = std::max(total, buffer->offset + buffer->bytes);
    placed.insert(llvm::upper_bound(placed, buffer, [](Buffer *a, Buffer *b) { return a->offset < b->offset; }), buffer);
  }
  return total;
}

struct PlanArena : cell::impl::PlanArenaBase<PlanArena> {
  void getDependentDialects(DialectRegistry &registry) const override { registerLinalgToLLVMDialects(registry); }

  /// When `alloc` is live: all uses of it and of everything that may point into it. A use inside an op that `alloc` is not inside of
  /// counts as that whole op, so a buffer from outside a loop, also one that a branch hands out, lives through all its iterations.
  static LogicalResult live(Buffer &buffer, const Positions &positions) {
    llvm::SmallSetVector<Value, 8> aliases;
    aliases.insert(buffer.alloc.getResult());
    buffer.first = positions.spans.lookup(buffer.alloc).first;
    buffer.last = buffer.first;
    for (unsigned i = 0; i < aliases.size(); ++i)
      for (OpOperand &use : aliases[i].getUses()) {
        Operation *user = use.getOwner(), *parent = user->getParentOp();
        Operation *top = user;
        for (Operation *up = user; up && !up->isAncestor(buffer.alloc); up = up->getParentOp())
          top = up;
        buffer.last = std::max(buffer.last, positions.spans.lookup(top).second);
        buffer.first = std::min(buffer.first, positions.spans.lookup(top).first);
        if (user->hasTrait<OpTrait::IsTerminator>() && (isa<func::FuncOp>(parent) || (isa<LoopLikeOpInterface>(parent) && parent->isAncestor(buffer.alloc))))
          return buffer.alloc->emitError("internal error: stage plan-arena: a buffer leaves the ") << (isa<func::FuncOp>(parent) ? "function" : "loop iteration") << " that allocates it";
        SmallVector<Value> handed;
        appendAliases(use, handed);
        aliases.insert(handed.begin(), handed.end());
      }
    return success();
  }

  LogicalResult plan(func::FuncOp func) {
    if (planned.contains(func))
      return success();
    if (!active.insert(func).second)
      return func.emitError("the function '") << func.getName() << "' calls itself; the CPU pipeline does not support recursion";
    // Arenas of callees and scratch of routines are buffers that live during the call.
    OpBuilder builder(func.getContext());
    auto scratch = [&](Operation *op, int64_t bytes) -> Value {
      builder.setInsertionPoint(op);
      return memref::AllocOp::create(builder, op->getLoc(), MemRefType::get({bytes}, builder.getI8Type()), builder.getI64IntegerAttr(cpu::kAlignment));
    };
    SmallVector<Operation *> calls;
    func.walk([&](Operation *op) {
      if (isa<func::CallOp, cellrt::CallOp>(op))
        calls.push_back(op);
    });
    for (Operation *op : calls) {
      if (auto call = dyn_cast<func::CallOp>(op)) {
        auto callee = symbols->lookup<func::FuncOp>(call.getCallee());
        if (!callee || failed(plan(callee)))
          return failure();
        call.getOperandsMutable().append(scratch(op, planned.lookup(callee)));
      } else if (auto call = cast<cellrt::CallOp>(op); int64_t bytes = routineScratchBytes(call)) {
        call.getInsMutable().append(scratch(op, bytes));
      }
    }

    SmallVector<Buffer> buffers;
    Positions positions;
    positions.number(func);
    bool failed = false;
    func.walk([&](memref::AllocOp alloc) {
      if (alloc.use_empty()) {
        alloc.erase();
        return;
      }
      if (!alloc.getType().hasStaticShape() || !alloc.getType().getLayout().isIdentity()) {
        alloc.emitError("stage plan-arena: a buffer of type ") << alloc.getType() << " has no size known when compiling";
        failed = true;
        return;
      }
      Buffer buffer{alloc, int64_t(llvm::alignTo(contiguousBytes(alloc.getType()), cpu::kAlignment)), 0, 0};
      failed |= mlir::failed(live(buffer, positions));
      buffers.push_back(buffer);
    });
    if (failed)
      return failure();
    int64_t bytes = placeBuffers(buffers);
    auto arenaType = MemRefType::get({bytes}, builder.getI8Type());
    unsigned index = func.getNumArguments();
    if (mlir::failed(func.insertArgument(index, arenaType, builder.getDictionaryAttr(builder.getNamedAttr(cpu::kArenaArg, builder.getUnitAttr())), func.getLoc())))
      return failure();
    for (Buffer &buffer : buffers) {
      builder.setInsertionPoint(buffer.alloc);
      Location loc = buffer.alloc.getLoc();
      Value offset = arith::ConstantIndexOp::create(builder, loc, buffer.offset);
      Value view = memref::ViewOp::create(builder, loc, buffer.alloc.getType(), func.getArgument(index), offset, ValueRange());
      buffer.alloc.replaceAllUsesWith(view);
      buffer.alloc.erase();
    }
    planned[func] = bytes;
    return success();
  }

  void runOnOperation() override {
    ModuleOp module = getOperation();
    SymbolTable table(module);
    symbols = &table;
    planned.clear();
    active.clear();
    func::FuncOp entry = findEntry(module);
    if (!entry)
      return signalPassFailure();
    for (auto func : module.getOps<func::FuncOp>())
      if (!func->hasAttr(cpu::kKernel) && !func.isExternal() && failed(plan(func)))
        return signalPassFailure();
    module->setAttr(cpu::kArenaBytes, Builder(module).getI64IntegerAttr(planned.lookup(entry)));
  }

  SymbolTable *symbols = nullptr;
  llvm::DenseMap<Operation *, int64_t> planned; // arena bytes of finished functions
  llvm::SmallPtrSet<Operation *, 8> active;
};
} // namespace
