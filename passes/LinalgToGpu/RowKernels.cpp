//===- RowKernels.cpp - chains of ops over the same rows ------------------===//
#include "passes/LinalgToGpu/RowKernels.h"

#include "passes/LinalgToGpu/BodyEmitter.h"
#include "passes/LinalgToGpu/RowChain.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::cell;

namespace {
using Values = SmallVector<Value>;

/// Wide accesses of one lane along a row; longer rows are left to kernels of their own.
constexpr int64_t kMaxChunks = 8;

/// How lanes share the rows.
struct RowLayout {
  int64_t width, chunks; // accesses of `width` neighbours each that make a row
  int64_t lanes, perLane; // lanes of a row, accesses of each
  int64_t threads, rowsPerBlock;

  static RowLayout choose(const RowChain &chain, const GpuTarget &target) {
    RowLayout layout;
    layout.width = 8;
    for (const RowMember &member : chain.members)
      if (member.isWide)
        layout.width = std::min(layout.width, BodyEmitter::chooseWidth(member.op, member.plan, target));
    while (chain.columns % layout.width)
      layout.width /= 2;
    layout.chunks = chain.columns / layout.width;
    // A warp needs no barriers; a block takes what would be too much for one.
    layout.lanes = std::min<int64_t>(llvm::PowerOf2Ceil(layout.chunks), target.warp);
    if (layout.chunks > 4 * target.warp)
      layout.lanes = std::min<int64_t>(llvm::PowerOf2Ceil(llvm::divideCeil(layout.chunks, 4)), target.maxThreads);
    layout.perLane = llvm::divideCeil(layout.chunks, layout.lanes);
    bool isMany = chain.rows * layout.lanes >= target.multiprocessors * target.threads;
    layout.threads = layout.lanes > target.warp ? layout.lanes : isMany ? target.threads : target.warp;
    layout.rowsPerBlock = layout.lanes > target.warp ? 1 : layout.threads / layout.lanes;
    return layout;
  }
};

class RowKernel {
public:
  RowKernel(KernelModule &module, RowChain &chain, const RowLayout &layout)
      : chain(chain), layout(layout), starts(takeStarts(module, chain)), k(module, chain.members.back().op, name(chain), layout.threads) {}

  void emit() {
    row = k.block();
    lane = k.thread();
    if (layout.rowsPerBlock > 1) {
      lane = arith::RemUIOp::create(k, k.thread(), k.index(layout.lanes));
      row = k.add(k.mul(row, layout.rowsPerBlock), arith::DivUIOp::create(k, k.thread(), k.index(layout.lanes)));
      if (chain.rows % layout.rowsPerBlock) { // lanes without a row compute one that is there, and store nothing
        isReal = k.less(row, k.index(chain.rows));
        row = k.smaller(row, k.index(chain.rows - 1));
      }
    }
    for (auto [number, member] : llvm::enumerate(chain.members))
      member.isWide ? emitWide(member, starts[number]) : emitNarrow(member);
    k.launch(llvm::divideCeil(chain.rows, layout.rowsPerBlock));
    Operation *last = chain.members.back().op, *place = last;
    for (Operation *op : chain.deferred)
      if (op->isBeforeInBlock(last)) {
        op->moveAfter(place);
        place = op;
      }
    for (RowMember &member : chain.members)
      member.op->erase();
  }

private:
  RowChain &chain;
  const RowLayout &layout;
  SmallVector<Values> starts; // per member and output, of the host
  KernelBuilder k;
  Value row, lane, isReal;
  llvm::SmallDenseMap<Value, Values> full;     // by root: the lane's part of the row
  llvm::SmallDenseMap<Value, Value> rowValues; // by root
  llvm::SmallDenseSet<Value> loaded;           // roots that lanes read from memory

  static std::string name(RowChain &chain) {
    SmallVector<std::string> words;
    for (RowMember &member : chain.members) {
      std::string word = StringRef(nameOf(member.op)).split('_').first.str();
      if (!llvm::is_contained(words, word) && words.size() < 4)
        words.push_back(word);
    }
    return "rows_" + llvm::join(words, "_");
  }

  static SmallVector<Values> takeStarts(KernelModule &module, RowChain &chain) {
    SmallVector<Values> starts;
    for (RowMember &member : chain.members) {
      Values &own = starts.emplace_back(member.op.getNumDpsInits());
      for (unsigned o = 0; o < own.size(); ++o)
        if (member.plan.reduced[o])
          own[o] = module.takeStart(member.op, o);
    }
    return starts;
  }

  /// True if somebody else sees the buffer, or it is looked at before it is written.
  bool isWanted(Value root) {
    auto alloc = root.getDefiningOp<memref::AllocOp>();
    if (!alloc || alloc->getBlock() != chain.members.back().op->getBlock() || loaded.contains(root))
      return true;
    Values work{root};
    while (!work.empty())
      for (Operation *user : work.pop_back_val().getUsers()) {
        if (isa<ViewLikeOpInterface>(user))
          work.push_back(user->getResult(0));
        else if (llvm::none_of(chain.members, [&](RowMember &member) { return member.op == user; }))
          return true;
      }
    return false;
  }

  Values positionsOf(RowMember &member, Value column) {
    RowChain::Split parts = chain.split(member);
    Values positions = k.delinearize(row, parts.rowSizes);
    if (!member.isWide)
      return positions;
    Values columns = k.delinearize(column, parts.columnSizes);
    if (parts.shared) {
      positions.back() = k.add(k.mul(positions.back(), parts.columnSizes.front()), columns.front());
      columns.erase(columns.begin());
    }
    positions.append(columns);
    return positions;
  }

  /// What the member reads of operand `i`: from an earlier member, or from memory, once.
  Value valueOf(RowMember &member, BodyEmitter &emitter, unsigned i, ValueRange positions, int64_t chunk, Value exists = nullptr) {
    Value root = member.roots[i];
    if (member.access[i] == RowAccess::Other || !root || member.op.getMatchingBlockArgument(&member.op->getOpOperand(i)).use_empty())
      return nullptr;
    Value *known = &rowValues[root];
    if (member.access[i] == RowAccess::Full) {
      Values &parts = full[root];
      parts.resize(layout.perLane);
      known = &parts[chunk];
    }
    if (!*known) {
      loaded.insert(root);
      bool isFull = member.access[i] == RowAccess::Full;
      Type type = cast<MemRefType>(member.op->getOperand(i).getType()).getElementType();
      if (isFull && layout.width > 1)
        type = VectorType::get(layout.width, type);
      auto load = [&] { return emitter.load(i, emitter.address(i, positions), isFull ? layout.width : 1); };
      // A lane that repeats the work of another one must not look where that one may have written already.
      *known = isFull && chain.writes(root) ? loadIf(both(k, exists, isReal), type, load) : load();
    }
    return *known;
  }

  Value loadIf(Value condition, Type type, llvm::function_ref<Value()> load) {
    if (!condition)
      return load();
    auto branch = scf::IfOp::create(k, TypeRange(type), condition, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(k);
    k.setInsertionPointToStart(branch.thenBlock());
    scf::YieldOp::create(k, load());
    k.setInsertionPointToStart(branch.elseBlock());
    scf::YieldOp::create(k, arith::ConstantOp::create(k, k.getZeroAttr(type)).getResult());
    return branch.getResult(0);
  }

  void storeIf(Value condition, llvm::function_ref<void()> store) {
    if (condition)
      k.when(condition, store);
    else
      store();
  }

  /// The row's value for an output becomes known, and is stored by one lane.
  void setRow(RowMember &member, BodyEmitter &emitter, unsigned output, ValueRange positions, Value value) {
    Value root = member.roots[member.op.getNumDpsInputs() + output];
    rowValues[root] = value;
    if (!isWanted(root))
      return;
    if (loaded.contains(root))
      k.barrier(); // the others have read the old one
    Value isFirst = arith::CmpIOp::create(k, arith::CmpIPredicate::eq, lane, k.index(0));
    storeIf(both(k, isFirst, isReal), [&] { emitter.store(output, positions, value, 1); });
  }

  void emitNarrow(RowMember &member) {
    BodyEmitter emitter(k, member.op, member.plan);
    Values positions = positionsOf(member, nullptr), made(member.op.getNumDpsInits()), none(made.size());
    for (unsigned i = 0; i < member.op->getNumOperands(); ++i)
      emitter.given.push_back(valueOf(member, emitter, i, positions, 0));
    emitter.made = &made;
    emitter.emit(positions, none);
    for (unsigned o = 0; o < made.size(); ++o)
      setRow(member, emitter, o, positions, made[o]);
  }

  void emitWide(RowMember &member, ArrayRef<Value> memberStarts) {
    BodyEmitter emitter(k, member.op, member.plan);
    unsigned inputs = member.op.getNumDpsInputs(), outputs = member.op.getNumDpsInits();
    Values running(outputs), made(outputs);
    Values first = positionsOf(member, k.index(0));
    llvm::SmallDenseMap<unsigned, Value> start;
    if (member.reduces())
      for (auto [i, o] : llvm::enumerate(member.combiner->outputs())) {
        TypedAttr neutral = member.combiner->neutral(i);
        auto constant = memberStarts[o] ? memberStarts[o].getDefiningOp<arith::ConstantOp>() : nullptr;
        if (!(neutral && constant && constant.getValue() == neutral)) {
          start[o] = memberStarts[o] ? k.use(memberStarts[o]) : valueOfStart(member, emitter, inputs + o, first);
        }
        running[o] = neutral ? arith::ConstantOp::create(k, neutral).getResult() : start[o];
      }
    emitter.made = &made;
    for (int64_t chunk = 0; chunk < layout.perLane; ++chunk) {
      Value number = k.add(lane, k.index(chunk * layout.lanes)), exists;
      if ((chunk + 1) * layout.lanes > layout.chunks) { // a lane behind the end computes the last part again, for nobody
        exists = k.less(number, k.index(layout.chunks));
        number = k.smaller(number, k.index(layout.chunks - 1));
      }
      Values positions = positionsOf(member, k.mul(number, layout.width));
      emitter.given.clear();
      for (unsigned i = 0; i < member.op->getNumOperands(); ++i)
        emitter.given.push_back(i >= inputs && running[i - inputs] ? Value() : valueOf(member, emitter, i, positions, chunk, exists));
      Values next = emitter.emit(positions, running, layout.width);
      for (unsigned o = 0; o < outputs; ++o) {
        if (running[o]) {
          running[o] = exists ? arith::SelectOp::create(k, exists, next[o], running[o]).getResult() : next[o];
          continue;
        }
        Value root = member.roots[inputs + o];
        Values &parts = full[root];
        parts.resize(layout.perLane);
        parts[chunk] = made[o];
        if (isWanted(root))
          storeIf(both(k, exists, isReal), [&] { emitter.store(o, positions, made[o], layout.width); });
      }
    }
    if (!member.reduces())
      return;
    Values partial;
    for (unsigned o : member.combiner->outputs())
      partial.push_back(running[o]);
    auto combine = [&](ValueRange a, ValueRange b) { return member.combiner->combine(k, a, b); };
    Values results = layout.lanes > layout.threads / layout.rowsPerBlock || layout.lanes <= k.target.warp ? k.reduceWarp(partial, layout.lanes, combine)
                                                                                                       : k.reduceBlock(partial, combine);
    for (auto [i, o] : llvm::enumerate(member.combiner->outputs())) {
      Value result = results[i];
      if (start.count(o))
        result = member.combiner->finish(k, i, start[o], result);
      setRow(member, emitter, o, first, result);
    }
  }

  /// What a reduction's output holds for the row before it.
  Value valueOfStart(RowMember &member, BodyEmitter &emitter, unsigned operand, ValueRange positions) {
    Value &known = rowValues[member.roots[operand]];
    if (!known) {
      loaded.insert(member.roots[operand]);
      known = emitter.load(operand, emitter.address(operand, positions), 1);
    }
    return known;
  }
};
} // namespace

void cell::lowerRowChains(ModuleOp module, KernelModule &kernels) {
  SmallVector<linalg::LinalgOp> starts;
  module.walk([&](linalg::LinalgOp op) { starts.push_back(op); });
  llvm::SmallPtrSet<Operation *, 32> gone;
  for (linalg::LinalgOp op : starts) {
    if (gone.contains(op.getOperation()) || kernels.isTaken(op.getOperation()))
      continue;
    std::optional<RowChain> chain = RowChain::startingAt(op);
    if (!chain || chain->members.size() < 2)
      continue;
    RowLayout layout = RowLayout::choose(*chain, kernels.target);
    if (layout.perLane > kMaxChunks)
      continue;
    for (RowMember &member : chain->members)
      gone.insert(member.op);
    RowKernel(kernels, *chain, layout).emit();
  }
  // What only the chains needed.
  module.walk([](memref::AllocOp alloc) {
    if (alloc->use_empty())
      alloc.erase();
  });
}
