//===- RowKernels.cpp - chains of ops over the same rows ------------------===//
#include "passes/LinalgToGpu/RowKernels.h"

#include "passes/LinalgToGpu/BodyEmitter.h"
#include "passes/LinalgToGpu/Mapping.h"
#include "passes/LinalgToGpu/RowLayout.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

using namespace mlir;
using namespace mlir::cell;

namespace {
using Values = SmallVector<Value>;

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
    if (layout.again)
      emitPasses();
    else
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
  llvm::SmallDenseSet<Value> passedOn;         // roots that a later pass reads

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
    if (!alloc || alloc->getBlock() != chain.members.back().op->getBlock() || loaded.contains(root) || passedOn.contains(root))
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
    RowChain::Split parts = *chain.split(member);
    Values positions(member.plan.loops.size(), k.index(0));
    auto place = [&](ArrayRef<RowChain::Part> segment, Value number) {
      for (auto [part, digit] : llvm::zip_equal(segment, k.delinearize(number, RowChain::Split::sizesOf(segment))))
        positions[part.loop] = k.add(positions[part.loop], k.mul(digit, part.times));
    };
    place(parts.rows, row);
    if (!member.isWide)
      return positions;
    Values numbers = k.delinearize(column, {chain.outer, chain.inner});
    place(parts.outer, numbers[0]);
    place(parts.inner, numbers[1]);
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

  /// The running results of a wide member.
  struct Running {
    Values values;                                // per output, null for those written point by point
    llvm::SmallDenseMap<unsigned, Value> start;   // what they are joined with in the end
  };

  Running begin(RowMember &member, ArrayRef<Value> memberStarts) {
    BodyEmitter emitter(k, member.op, member.plan);
    Running running;
    running.values.resize(member.op.getNumDpsInits());
    if (!member.reduces())
      return running;
    Values first = positionsOf(member, k.index(0));
    for (auto [i, o] : llvm::enumerate(member.combiner->outputs())) {
      TypedAttr neutral = member.combiner->neutral(i);
      auto constant = memberStarts[o] ? memberStarts[o].getDefiningOp<arith::ConstantOp>() : nullptr;
      if (!(neutral && constant && constant.getValue() == neutral))
        running.start[o] = memberStarts[o] ? k.use(memberStarts[o]) : valueOfStart(member, emitter, member.op.getNumDpsInputs() + o, first);
      running.values[o] = neutral ? arith::ConstantOp::create(k, neutral).getResult() : running.start[o];
    }
    return running;
  }

  /// One access of the lane, number `chunk` of those that it keeps. It is for nobody unless `exists`.
  void step(RowMember &member, Running &running, Value number, int64_t chunk, Value exists) {
    BodyEmitter emitter(k, member.op, member.plan);
    unsigned inputs = member.op.getNumDpsInputs(), outputs = member.op.getNumDpsInits();
    Values made(outputs), positions = positionsOf(member, k.mul(number, layout.width));
    emitter.made = &made;
    for (unsigned i = 0; i < member.op->getNumOperands(); ++i)
      emitter.given.push_back(i >= inputs && running.values[i - inputs] ? Value() : valueOf(member, emitter, i, positions, chunk, exists));
    Values next = emitter.emit(positions, running.values, layout.width);
    for (unsigned o = 0; o < outputs; ++o) {
      if (Value &value = running.values[o]) {
        value = exists ? arith::SelectOp::create(k, exists, next[o], value).getResult() : next[o];
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

  void finish(RowMember &member, Running &running) {
    if (!member.reduces())
      return;
    BodyEmitter emitter(k, member.op, member.plan);
    Values partial, first = positionsOf(member, k.index(0));
    for (unsigned o : member.combiner->outputs())
      partial.push_back(running.values[o]);
    auto combine = [&](ValueRange a, ValueRange b) { return member.combiner->combine(k, a, b); };
    Values results = layout.lanes > layout.threads / layout.rowsPerBlock || layout.lanes <= k.target.warp ? k.reduceWarp(partial, layout.lanes, combine)
                                                                                                       : k.reduceBlock(partial, combine);
    for (auto [i, o] : llvm::enumerate(member.combiner->outputs())) {
      Value result = results[i];
      if (running.start.count(o))
        result = member.combiner->finish(k, i, running.start[o], result);
      setRow(member, emitter, o, first, result);
    }
  }

  void emitWide(RowMember &member, ArrayRef<Value> memberStarts) {
    Running running = begin(member, memberStarts);
    for (int64_t chunk = 0; chunk < layout.perLane; ++chunk) {
      Value number = k.add(lane, k.index(chunk * layout.lanes)), exists;
      if ((chunk + 1) * layout.lanes > layout.chunks) { // a lane behind the end computes the last part again, for nobody
        exists = k.less(number, k.index(layout.chunks));
        number = k.smaller(number, k.index(layout.chunks - 1));
      }
      step(member, running, number, chunk, exists);
    }
    finish(member, running);
  }

  /// Goes over the row once per pass. Each lane meets the same columns in each, so it finds what it stored.
  void emitPasses() {
    SmallVector<unsigned> passes = chain.passes();
    llvm::SmallDenseMap<Value, unsigned> madeIn;
    for (auto [number, member] : llvm::enumerate(chain.members))
      for (OpOperand &operand : member.op->getOpOperands())
        if (unsigned i = operand.getOperandNumber(); member.access[i] == RowAccess::Full) {
          if (auto it = madeIn.find(member.roots[i]); it != madeIn.end() && it->second < passes[number] && isRead(member.op, operand))
            passedOn.insert(member.roots[i]);
          if (member.op.isDpsInit(&operand))
            madeIn[member.roots[i]] = passes[number];
        }
    for (unsigned pass = 0; pass <= passes.back(); ++pass) {
      SmallVector<std::pair<RowMember *, Running>> wide;
      SmallVector<RowMember *> narrow;
      for (auto [number, member] : llvm::enumerate(chain.members)) {
        if (passes[number] != pass)
          continue;
        if (!member.isWide) {
          narrow.push_back(&member);
          continue;
        }
        wide.push_back({&member, begin(member, starts[number])});
        // Values of the row are there before the loop.
        BodyEmitter emitter(k, member.op, member.plan);
        Values first = positionsOf(member, k.index(0));
        for (unsigned i = 0; i < member.op->getNumOperands(); ++i)
          if (bool isRunning = i >= member.op.getNumDpsInputs() && wide.back().second.values[i - member.op.getNumDpsInputs()]; member.access[i] == RowAccess::Row && !isRunning)
            valueOf(member, emitter, i, first, 0);
      }
      auto forRunning = [&](llvm::function_ref<void(Value &)> visit) {
        for (auto &[member, running] : wide)
          for (Value &value : running.values)
            if (value)
              visit(value);
      };
      Values carried;
      forRunning([&](Value &value) { carried.push_back(value); });
      full.clear();
      Values results = k.loop(lane, k.index(layout.chunks), k.index(layout.lanes), carried, [&](Value number, ValueRange values) {
        forRunning([&](Value &value) { value = values.front(), values = values.drop_front(); });
        for (auto &[member, running] : wide)
          step(*member, running, number, 0, nullptr);
        Values next;
        forRunning([&](Value &value) { next.push_back(value); });
        return next;
      });
      full.clear();
      ValueRange left(results);
      forRunning([&](Value &value) { value = left.front(), left = left.drop_front(); });
      for (auto &[member, running] : wide)
        finish(*member, running);
      for (RowMember *member : narrow)
        emitNarrow(*member);
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

/// Reductions of everything (a loss) that read what the chain has in registers: their rows are reduced in the chain, and only the rows' values behind it. Then
/// nothing of the chain is stored and read again for them. Says in `gone` which ops are no more.
static void addWholeReductions(std::optional<RowChain> &chain, const GpuTarget &target, llvm::SmallPtrSetImpl<Operation *> &gone) {
  linalg::LinalgOp first = chain->members[0].op;
  SmallVector<linalg::GenericOp> found;
  for (Operation *op = first->getNextNode(); op && found.size() < 4; op = op->getNextNode())
    if (auto generic = dyn_cast<linalg::GenericOp>(op); generic && generic.getNumReductionLoops() == generic.getNumLoops() && generic.getNumLoops() > 1)
      found.push_back(generic);
  for (linalg::GenericOp op : found) {
    std::optional<RowsFirst> split = reduceRowsFirst(op, chain->rows);
    if (!split)
      continue;
    std::optional<RowChain> longer = RowChain::startingAt(first, /*inPieces=*/true);
    bool joins = longer && longer->members.size() > chain->members.size() && llvm::any_of(longer->members, [&](RowMember &m) { return m.op == split->ofRows; });
    if (joins && !RowLayout::choose(*longer, target).again) {
      gone.insert(op);
      op.erase();
      chain = RowChain::startingAt(first, /*inPieces=*/true); // without it
      continue;
    }
    for (Operation *made : llvm::reverse(split->made))
      made->erase();
  }
}

void cell::lowerRowChains(ModuleOp module, KernelModule &kernels) {
  SmallVector<linalg::LinalgOp> starts;
  module.walk([&](linalg::LinalgOp op) { starts.push_back(op); });
  kernels.forgetTaken();
  llvm::SmallPtrSet<Operation *, 32> gone;
  for (linalg::LinalgOp op : starts) {
    if (gone.contains(op.getOperation()) || kernels.isTaken(op.getOperation()))
      continue;
    std::optional<RowChain> chain = RowChain::startingAt(op, /*inPieces=*/true);
    if (chain && chain->outer == 1 && !RowLayout::choose(*chain, kernels.target).again)
      addWholeReductions(chain, kernels.target, gone);
    if (!chain || chain->members.size() < 2)
      continue;
    RowLayout layout = RowLayout::choose(*chain, kernels.target);
    if (!layout.pays(*chain, kernels.target))
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
