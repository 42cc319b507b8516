//===- SmallLoops.cpp - loops over small tensors become kernels -----------===//
#include "passes/LinalgToGpu/SmallLoops.h"

#include "passes/LinalgToGpu/BodyEmitter.h"
#include "passes/LinalgToGpu/Combiner.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/Support/MathExtras.h"

#include <vector>

using namespace mlir;
using namespace mlir::cell;

namespace {
using Values = SmallVector<Value>;

/// Points of one op that a block computes sooner than the device starts a kernel for it, and operations of all bodies.
constexpr int64_t kMaxPoints = 4096, kMaxBodyOperations = 400;

/// Whether a loop can be a kernel, and what it needs for that.
class SmallLoop {
public:
  explicit SmallLoop(Operation *loop) : loop(loop) {}

  bool fits() { return fitsOp(loop) && touchesMemory && operations <= kMaxBodyOperations && llvm::none_of(loop->getResults(), [](Value result) {
                         return !isa<MemRefType>(result.getType()) && !result.use_empty() && !result.getType().isIntOrFloat();
                       }); }

  int64_t points = 1; // of the largest op
  SmallVector<Operation *> hoisted; // allocations and views, in order
  SmallVector<linalg::LinalgOp> named;

  /// The buffer outside of the loop that a value inside stands for: loops hand buffers on unchanged.
  Value bufferOf(Value inside) const {
    while (Value next = buffers.lookup(inside))
      inside = next;
    return inside;
  }

private:
  Operation *loop;
  int64_t operations = 0;
  bool touchesMemory = false; // numbers of the host alone stay there
  llvm::SmallDenseMap<Value, Value> buffers;
  llvm::SmallDenseSet<Value> outside; // results of what is hoisted

  bool isKnown(Value buffer) {
    Value origin = bufferOf(buffer);
    return !loop->isAncestor(origin.getParentRegion()->getParentOp()) || outside.contains(origin);
  }

  void standFor(ValueRange inside, ValueRange outside) {
    for (auto [a, b] : llvm::zip(inside, outside))
      if (isa<MemRefType>(a.getType()))
        buffers[a] = b;
  }

  /// True if each buffer comes out as it went in.
  bool areKept(ValueRange out, ValueRange in) {
    return llvm::all_of(llvm::zip(out, in), [&](auto pair) { return !isa<MemRefType>(std::get<0>(pair).getType()) || bufferOf(std::get<0>(pair)) == bufferOf(std::get<1>(pair)); });
  }

  bool fitsBlock(Block *block) {
    return llvm::all_of(block->without_terminator(), [&](Operation &op) { return fitsOp(&op); });
  }

  bool fitsOp(Operation *op) {
    ++operations;
    if (auto forOp = dyn_cast<scf::ForOp>(op)) {
      standFor(forOp.getRegionIterArgs(), forOp.getInitArgs());
      standFor(forOp.getResults(), forOp.getInitArgs());
      return fitsBlock(forOp.getBody()) && areKept(forOp.getYieldedValues(), forOp.getInitArgs());
    }
    if (auto whileOp = dyn_cast<scf::WhileOp>(op)) {
      standFor(whileOp.getBeforeArguments(), whileOp.getInits());
      standFor(whileOp.getAfterArguments(), whileOp.getConditionOp().getArgs());
      standFor(whileOp.getResults(), whileOp.getConditionOp().getArgs());
      return fitsBlock(whileOp.getBeforeBody()) && fitsBlock(whileOp.getAfterBody()) && areKept(whileOp.getYieldOp().getOperands(), whileOp.getInits());
    }
    if (auto ifOp = dyn_cast<scf::IfOp>(op)) {
      bool scalar = llvm::none_of(op->getResultTypes(), [](Type type) { return isa<MemRefType>(type); });
      return scalar && fitsBlock(ifOp.thenBlock()) && (!ifOp.elseBlock() || fitsBlock(ifOp.elseBlock()));
    }
    bool isView = isa<memref::CollapseShapeOp, memref::ExpandShapeOp, memref::SubViewOp, memref::ReinterpretCastOp>(op);
    if (isView || isa<memref::AllocOp>(op)) { // the same in each turn
      hoisted.push_back(op);
      outside.insert(op->getResult(0));
      return cast<MemRefType>(op->getResult(0).getType()).hasStaticShape() && op->getNumOperands() == isView && (!isView || isKnown(op->getOperand(0)));
    }
    touchesMemory |= isa<memref::LoadOp, memref::StoreOp, memref::CopyOp, linalg::LinalgOp>(op);
    if (isa<memref::LoadOp, memref::StoreOp>(op))
      return isKnown(op->getOperand(isa<memref::StoreOp>(op) ? 1 : 0));
    if (auto copy = dyn_cast<memref::CopyOp>(op)) {
      auto type = cast<MemRefType>(copy.getSource().getType());
      points = std::max(points, type.getNumElements());
      return type.getNumElements() <= kMaxPoints && isKnown(copy.getSource()) && isKnown(copy.getTarget());
    }
    if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op))
      return fitsLinalg(linalgOp);
    return isPure(op) && op->getNumRegions() == 0 && llvm::none_of(op->getResultTypes(), [](Type type) { return isa<BaseMemRefType>(type); });
  }

  bool fitsLinalg(linalg::LinalgOp op) {
    for (Value operand : op->getOperands())
      if (isa<BaseMemRefType>(operand.getType()) && !isKnown(operand))
        return false;
    // Bodies may only compute.
    bool computes = !op->walk([&](Operation *inner) { return inner != op && !isPure(inner) && !inner->hasTrait<OpTrait::IsTerminator>() ? WalkResult::interrupt() : WalkResult::advance(); }).wasInterrupted();
    FailureOr<LoopPlan> plan = planLoops(op, /*stage=*/"");
    if (!computes || failed(plan) || plan->points > kMaxPoints)
      return false;
    for (OpOperand &init : op.getDpsInitsMutable())
      if (!op.getMatchingIndexingMap(&init).isProjectedPermutation())
        return false;
    points = std::max(points, plan->points);
    operations += std::distance(op.getBlock()->begin(), op.getBlock()->end());
    if (!isa<linalg::GenericOp, linalg::FillOp>(op.getOperation()))
      named.push_back(op);
    return true;
  }
};

class SmallLoopKernel {
public:
  SmallLoopKernel(KernelModule &module, Operation *loop, const SmallLoop &small) : k(module, loop, "small_loop", threadsFor(module, small.points)) {}

  void emit(Operation *loop) {
    // Numbers that the loop leaves behind go by way of memory.
    OpBuilder host(loop);
    SmallVector<std::pair<Value, Value>> results;
    for (Value result : loop->getResults())
      if (!isa<MemRefType>(result.getType()) && !result.use_empty())
        results.push_back({result, memref::AllocOp::create(host, loop->getLoc(), MemRefType::get({}, result.getType()))});
    emitOp(*loop);
    for (auto [result, memory] : results)
      byOne([&, result = result, memory = memory] { memref::StoreOp::create(k, k.use(result), k.flat(memory), k.index(0)); });
    k.launch(1);
    for (auto [result, memory] : results)
      result.replaceAllUsesWith(memref::LoadOp::create(host, loop->getLoc(), memory));
  }

private:
  KernelBuilder k;

  static int64_t threadsFor(KernelModule &module, int64_t points) {
    return points == 1 ? 1 : std::clamp<int64_t>(llvm::PowerOf2Ceil(points), module.target.warp, module.target.threads);
  }

  /// What one thread wrote the others find behind it.
  void wait() {
    if (k.threads() > 1)
      k.barrier();
  }

  void byOne(llvm::function_ref<void()> body) {
    if (k.threads() == 1)
      return body();
    k.when(arith::CmpIOp::create(k, arith::CmpIPredicate::eq, k.thread(), k.index(0)), body);
  }

  void emitBlock(Block *block) {
    for (Operation &op : block->without_terminator())
      emitOp(op);
  }

  /// Of values of the host, those that are no buffers.
  static Values scalarsOf(ValueRange values) {
    Values scalars;
    for (Value value : values)
      if (!isa<MemRefType>(value.getType()))
        scalars.push_back(value);
    return scalars;
  }
  Values used(ValueRange outside) {
    return llvm::map_to_vector(scalarsOf(outside), [&](Value value) { return k.use(value); });
  }
  void bind(ValueRange outside, ValueRange inside) {
    for (auto [a, b] : llvm::zip_equal(scalarsOf(outside), inside))
      k.bind(a, b);
  }

  void emitOp(Operation &op) {
    if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op)) {
      emitLinalg(linalgOp);
      wait();
    } else if (auto copy = dyn_cast<memref::CopyOp>(op)) {
      int64_t count = cast<MemRefType>(copy.getSource().getType()).getNumElements();
      forPoints(count, [&](Value i) { memref::StoreOp::create(k, memref::LoadOp::create(k, k.flat(copy.getSource()), i), k.flat(copy.getTarget()), i); });
      wait();
    } else if (isa<memref::StoreOp>(op)) {
      IRMapping map;
      byOne([&] { k.cloneInto(op, map); });
      wait();
    } else if (auto forOp = dyn_cast<scf::ForOp>(op)) {
      Values results = k.loop(k.use(forOp.getLowerBound()), k.use(forOp.getUpperBound()), k.use(forOp.getStep()), used(forOp.getInitArgs()), [&](Value i, ValueRange carried) {
        k.bind(forOp.getInductionVar(), i);
        bind(forOp.getRegionIterArgs(), carried);
        emitBlock(forOp.getBody());
        return used(forOp.getYieldedValues());
      });
      bind(forOp.getResults(), results);
    } else if (auto whileOp = dyn_cast<scf::WhileOp>(op)) {
      emitWhile(whileOp);
    } else if (auto ifOp = dyn_cast<scf::IfOp>(op)) {
      auto branch = scf::IfOp::create(k, op.getResultTypes(), k.use(ifOp.getCondition()), /*withElseRegion=*/ifOp.elseBlock() != nullptr);
      auto side = [&](Block *from, Block *to) {
        OpBuilder::InsertionGuard guard(k);
        k.setInsertionPointToStart(to);
        emitBlock(from);
        if (op.getNumResults())
          scf::YieldOp::create(k, used(from->getTerminator()->getOperands()));
      };
      side(ifOp.thenBlock(), branch.thenBlock());
      if (ifOp.elseBlock())
        side(ifOp.elseBlock(), branch.elseBlock());
      bind(op.getResults(), branch.getResults());
    } else {
      IRMapping map;
      Operation *clone = k.cloneInto(op, map);
      for (auto [outside, inside] : llvm::zip_equal(op.getResults(), clone->getResults()))
        k.bind(outside, inside);
      if (isa<memref::LoadOp>(op))
        wait(); // before anyone writes there again
    }
  }

  void emitWhile(scf::WhileOp from) {
    Values inits = used(from.getInits());
    SmallVector<Type> types;
    for (Value result : scalarsOf(from.getResults()))
      types.push_back(result.getType());
    auto loop = scf::WhileOp::create(k, types, inits);
    OpBuilder::InsertionGuard guard(k);
    auto blockWith = [&](Region &region, ValueRange arguments) {
      Block *block = k.createBlock(&region);
      for (Value argument : scalarsOf(arguments))
        k.bind(argument, block->addArgument(argument.getType(), argument.getLoc()));
    };
    blockWith(loop.getBefore(), from.getBeforeArguments());
    emitBlock(from.getBeforeBody());
    scf::ConditionOp::create(k, k.use(from.getConditionOp().getCondition()), used(from.getConditionOp().getArgs()));
    blockWith(loop.getAfter(), from.getAfterArguments());
    emitBlock(from.getAfterBody());
    scf::YieldOp::create(k, used(from.getYieldOp().getOperands()));
    bind(from.getResults(), loop.getResults());
  }

  /// Visits [0, count) with the threads of the block.
  void forPoints(int64_t count, llvm::function_ref<void(Value)> body) {
    if (count == 1)
      byOne([&] { body(k.index(0)); });
    else
      k.loop(k.thread(), k.index(count), k.index(k.threads()), body);
  }

  void emitLinalg(linalg::LinalgOp op) {
    LoopPlan plan = *planLoops(op, /*stage=*/"");
    if (plan.points == 0)
      return;
    BodyEmitter emitter(k, op, plan);
    SmallVector<unsigned> kept, inner;
    SmallVector<int64_t> keptSizes, innerSizes;
    int64_t rows = 1, points = 1;
    for (auto [l, loop] : llvm::enumerate(plan.loops)) {
      bool isKept = llvm::all_of(llvm::enumerate(plan.reduced), [&, &loop = loop](auto entry) { return !entry.value() || loop.covers[entry.index()]; });
      (isKept ? kept : inner).push_back(l);
      (isKept ? keptSizes : innerSizes).push_back(loop.size);
      (isKept ? rows : points) *= loop.size;
    }
    Values positions(plan.loops.size(), k.index(0));
    auto place = [&](ArrayRef<unsigned> loops, ArrayRef<int64_t> sizes, Value number) {
      for (auto [l, position] : llvm::zip_equal(loops, k.delinearize(number, sizes)))
        positions[l] = position;
    };
    Values none(plan.reduced.size());
    if (!llvm::is_contained(plan.reduced, true)) {
      forPoints(rows, [&](Value i) {
        place(kept, keptSizes, i);
        emitter.emit(positions, none);
      });
      return;
    }
    auto memoryOf = [&](unsigned o) { return k.flat(op.getDpsInits()[o]); };
    auto addressOf = [&](unsigned o) { return emitter.address(op.getNumDpsInputs() + o, positions); };
    auto old = [&] {
      Values values(none);
      for (unsigned o = 0; o < values.size(); ++o)
        if (plan.reduced[o])
          values[o] = memref::LoadOp::create(k, memoryOf(o), addressOf(o));
      return values;
    };
    auto present = [](ValueRange values) { return llvm::to_vector(llvm::make_filter_range(values, [](Value value) { return value != nullptr; })); };
    auto accumulate = [&](Value first, int64_t step, Values running) {
      return k.loop(first, k.index(points), k.index(step), present(running), [&](Value point, ValueRange values) {
        unsigned number = 0;
        for (Value &value : running)
          if (value)
            value = values[number++];
        place(inner, innerSizes, point);
        return present(emitter.emit(positions, running));
      });
    };
    auto store = [&](ValueRange results) {
      unsigned number = 0;
      for (unsigned o = 0; o < plan.reduced.size(); ++o)
        if (plan.reduced[o])
          memref::StoreOp::create(k, results[number++], memoryOf(o), addressOf(o));
    };
    std::optional<Combiner> combiner = Combiner::of(op, plan.reduced);
    if (!combiner || rows > 1 || k.threads() == 1) { // a thread for each result, in order
      forPoints(rows, [&](Value row) {
        place(kept, keptSizes, row);
        store(accumulate(k.index(0), 1, old()));
      });
      return;
    }
    Values start = old(), running = start;
    for (auto [i, o] : llvm::enumerate(combiner->outputs()))
      if (combiner->neutral(i))
        running[o] = arith::ConstantOp::create(k, combiner->neutral(i));
    Values results = k.reduceBlock(accumulate(k.thread(), k.threads(), running), [&](ValueRange a, ValueRange b) { return combiner->combine(k, a, b); });
    for (auto [i, o] : llvm::enumerate(combiner->outputs()))
      if (combiner->neutral(i))
        results[i] = combiner->finish(k, i, start[o], results[i]);
    positions.assign(plan.loops.size(), k.index(0));
    wait(); // the others have read what it started from
    byOne([&] { store(results); });
  }
};
} // namespace

void cell::lowerSmallLoops(ModuleOp module, KernelModule &kernels) {
  IRRewriter rewriter(module.getContext());
  std::vector<std::pair<Operation *, SmallLoop>> found;
  for (auto func : module.getOps<func::FuncOp>())
    func.walk<WalkOrder::PreOrder>([&](Operation *op) {
      if (!isa<scf::ForOp, scf::WhileOp>(op))
        return WalkResult::advance();
      SmallLoop small(op);
      if (!small.fits())
        return WalkResult::advance(); // perhaps a loop inside
      found.push_back({op, std::move(small)});
      return WalkResult::skip();
    });
  for (auto &[loop, small] : found) {
    for (linalg::LinalgOp op : small.named) {
      rewriter.setInsertionPoint(op);
      (void)linalg::generalizeNamedOp(rewriter, op); // a structured op can always be
    }
    loop->walk([&, &small = small](Operation *op) {
      for (OpOperand &operand : op->getOpOperands())
        if (isa<MemRefType>(operand.get().getType()))
          operand.set(small.bufferOf(operand.get()));
    });
    for (Operation *op : small.hoisted)
      op->moveBefore(loop);
    for (Value result : loop->getResults())
      if (isa<MemRefType>(result.getType()))
        result.replaceAllUsesWith(small.bufferOf(result));
    SmallLoopKernel(kernels, loop, small).emit(loop);
    loop->erase();
  }
}
