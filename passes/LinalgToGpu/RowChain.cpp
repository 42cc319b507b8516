//===- RowChain.cpp - which ops run as one kernel over rows ---------------===//
#include "passes/LinalgToGpu/RowChain.h"

#include "passes/LinalgToGpu/BodyEmitter.h"
#include "passes/LinalgToGpu/Touches.h"
#include "passes/LinalgToLLVM/BufferRoots.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/SmallBitVector.h"

using namespace mlir;
using namespace mlir::cell;

namespace {
/// Operations in the bodies of a chain: beyond this registers do not last.
constexpr int64_t kMaxRowOperations = 300;
/// Elements of a row that lie in one piece, where it has several: lanes of a row are to read neighbours.
constexpr int64_t kMinPiece = 8;
/// Operations of a block that are looked at behind the last member.
constexpr unsigned kReach = 48;

Value rootOf(Value buffer) {
  BufferRoots roots = BufferRoots::of(buffer);
  return !roots.unknown && roots.roots.size() == 1 ? roots.roots[0] : Value();
}

/// Buffers that the bodies of `op` read or write at places of their own.
SmallVector<Value> capturedBuffers(Operation *op) {
  llvm::SetVector<Value> above;
  getUsedValuesDefinedAbove(op->getRegions(), above);
  SmallVector<Value> buffers;
  for (Value value : above)
    if (isa<BaseMemRefType>(value.getType()))
      buffers.push_back(value);
  return buffers;
}
} // namespace

/// How many points the op has for each step of the loop, if it numbers them row major; nothing if the loop is of dimensions in another order.
static std::optional<int64_t> radixOf(linalg::LinalgOp op, const PlannedLoop &loop) {
  SmallVector<int64_t> sizes = op.getStaticLoopRanges(), behind(sizes.size(), 1);
  for (unsigned d = sizes.size(); d-- > 1;)
    behind[d - 1] = behind[d] * sizes[d];
  for (auto [d, next] : llvm::zip(loop.dims, ArrayRef(loop.dims).drop_front()))
    if (behind[d] != behind[next] * sizes[next])
      return std::nullopt;
  return behind[loop.dims.back()];
}

std::optional<RowChain::Split> RowChain::split(const RowMember &member) const {
  Split result;
  int64_t first = member.isWide ? inner : 1, bounds[] = {1, first, first * rows, member.isWide ? rows * columns : rows};
  SmallVector<Part> *segments[] = {&result.inner, &result.rows, &result.outer};
  int64_t last = INT64_MAX;
  for (auto [l, loop] : llvm::enumerate(member.plan.loops)) {
    std::optional<int64_t> radix = radixOf(member.op, loop);
    if (!radix || (!inPieces && *radix >= last))
      return std::nullopt;
    last = *radix;
    result.shared |= *radix < first && *radix * loop.size > first;
    for (unsigned s = 0; s < 3; ++s) {
      int64_t from = std::max(*radix, bounds[s]), to = std::min(*radix * loop.size, bounds[s + 1]);
      if (from >= to)
        continue;
      if (from % *radix || to % from)
        return std::nullopt;
      segments[s]->push_back({static_cast<unsigned>(l), to / from, from / *radix, from});
    }
  }
  for (unsigned s = 0; s < 3; ++s) {
    llvm::sort(*segments[s], [](const Part &a, const Part &b) { return a.radix > b.radix; });
    int64_t total = bounds[s + 1];
    for (const Part &part : *segments[s]) {
      if (part.radix * part.size != total)
        return std::nullopt;
      total = part.radix;
    }
    if (total != bounds[s])
      return std::nullopt;
  }
  return result;
}

SmallVector<unsigned> RowChain::passes() const {
  SmallVector<unsigned> result;
  unsigned pass = 0;
  llvm::SmallDenseSet<Value> made, readNarrowly; // values per row, of this pass
  for (const RowMember &member : members) {
    linalg::LinalgOp op = member.op;
    auto isNext = [&](OpOperand &operand) {
      Value root = member.roots[operand.getOperandNumber()];
      return root && member.access[operand.getOperandNumber()] == RowAccess::Row && (made.contains(root) || (op.isDpsInit(&operand) && readNarrowly.contains(root)));
    };
    if (member.isWide && llvm::any_of(op->getOpOperands(), isNext)) {
      ++pass;
      made.clear(), readNarrowly.clear();
    }
    for (OpOperand &operand : op->getOpOperands())
      if (unsigned i = operand.getOperandNumber(); member.roots[i] && member.access[i] == RowAccess::Row) {
        if (op.isDpsInit(&operand))
          made.insert(member.roots[i]);
        else if (!member.isWide)
          readNarrowly.insert(member.roots[i]);
      }
    result.push_back(pass);
  }
  return result;
}

RowAccess RowChain::accessOf(const RowMember &member, OpOperand &operand) const {
  auto type = dyn_cast<MemRefType>(operand.get().getType());
  unsigned i = operand.getOperandNumber();
  if (!type || !type.getLayout().isIdentity() || member.plan.offsets[i] != 0)
    return RowAccess::Other;
  int64_t count = type.getNumElements(), first = member.isWide ? inner : 1;
  bool isFull = member.isWide && count == rows * columns;
  if (!isFull && count != rows)
    return RowAccess::Other;
  // Row major over what the buffer has, and standing still over columns if it has one element per row.
  for (const PlannedLoop &loop : member.plan.loops) {
    int64_t radix = *radixOf(member.op, loop);
    bool overRows = radix >= first && radix * loop.size <= first * rows, overColumns = radix * loop.size <= first || radix >= first * rows;
    int64_t expected = isFull ? radix : overRows ? radix / first : 0;
    if (loop.strides[i] != expected || !(isFull || overRows || overColumns))
      return RowAccess::Other;
  }
  return isFull ? RowAccess::Full : RowAccess::Row;
}

std::optional<RowMember> RowChain::analyze(linalg::LinalgOp op) const {
  if (!isa<linalg::GenericOp>(op.getOperation()))
    return std::nullopt;
  SmallVector<int64_t> ranges = op.getStaticLoopRanges();
  int64_t points = 1;
  for (int64_t size : ranges)
    points *= size;
  bool isWide = points == rows * columns;
  if ((!isWide && points != rows) || points == 0)
    return std::nullopt;
  FailureOr<LoopPlan> plan = planLoops(op, /*stage=*/"");
  if (failed(plan))
    return std::nullopt;
  RowMember member{op, *plan, isWide, {}, {}, std::nullopt};
  // All members number their points alike, and neighbours along a row are neighbours of the innermost loop.
  if (!split(member) || (isWide && *radixOf(op, plan->loops.back()) != 1))
    return std::nullopt;
  for (OpOperand &operand : op->getOpOperands()) {
    member.access.push_back(accessOf(member, operand));
    member.roots.push_back(isa<BaseMemRefType>(operand.get().getType()) ? rootOf(operand.get()) : Value());
    if (!op.isDpsInit(&operand))
      continue;
    bool reduced = plan->reduced[operand.getOperandNumber() - op.getNumDpsInputs()];
    RowAccess wanted = reduced || !isWide ? RowAccess::Row : RowAccess::Full;
    if (member.access.back() != wanted || !member.roots.back())
      return std::nullopt;
  }
  if (llvm::is_contained(plan->reduced, true)) {
    member.combiner = Combiner::of(op, plan->reduced);
    if (!member.combiner || !isWide)
      return std::nullopt;
  }
  return member;
}

bool RowChain::canJoin(const RowMember &member) const {
  linalg::LinalgOp op = member.op;
  bool shares = members.empty();
  for (Value buffer : capturedBuffers(op)) {
    Value root = rootOf(buffer);
    if (!root || written.contains(root))
      return false;
    for (OpOperand &init : op.getDpsInitsMutable())
      if (member.roots[init.getOperandNumber()] == root)
        return false;
  }
  for (OpOperand &operand : op->getOpOperands()) {
    unsigned i = operand.getOperandNumber();
    if (!isa<BaseMemRefType>(operand.get().getType()))
      continue;
    Value root = member.roots[i];
    bool writes = op.isDpsInit(&operand);
    if (!writes && !isRead(op, operand))
      continue;
    if (!root && !written.empty())
      return false;
    auto before = written.find(root);
    if (before != written.end() && (member.access[i] == RowAccess::Other || before->second != member.access[i]))
      return false;
    shares |= before != written.end() || (member.access[i] == RowAccess::Full && read.contains(root));
    auto reader = read.find(root);
    if (writes && reader != read.end() && reader->second != member.access[i])
      return false;
    // Within the op as well.
    for (OpOperand &other : op->getOpOperands())
      if (writes && &other != &operand && member.roots[other.getOperandNumber()] == root && (isRead(op, other) || op.isDpsInit(&other)) &&
          (member.access[other.getOperandNumber()] != member.access[i] || op.isDpsInit(&other)))
        return false;
  }
  // Nobody may have an unknown place in what is written.
  return shares && !(read.contains(Value()) && op.getNumDpsInits());
}

void RowChain::add(RowMember member) {
  linalg::LinalgOp op = member.op;
  for (OpOperand &operand : op->getOpOperands()) {
    unsigned i = operand.getOperandNumber();
    if (!isa<BaseMemRefType>(operand.get().getType()))
      continue;
    if (isRead(op, operand)) {
      auto [it, isNew] = read.insert({member.roots[i], member.access[i]});
      if (!isNew && it->second != member.access[i])
        it->second = RowAccess::Other;
    }
    if (op.isDpsInit(&operand))
      written[member.roots[i]] = member.access[i];
  }
  for (Value buffer : capturedBuffers(op))
    read[rootOf(buffer)] = RowAccess::Other;
  operations += std::distance(op.getBlock()->begin(), op.getBlock()->end());
  members.push_back(std::move(member));
}

bool RowChain::conflictsWithMembers(Operation *op) const {
  for (const Touch &touch : touchesOf(op)) {
    auto overlaps = [&](Value root) { return !root || touch.roots.unknown || touch.roots.roots.contains(root); };
    if (llvm::any_of(written, [&](auto &entry) { return overlaps(entry.first); }) || (touch.writes && llvm::any_of(read, [&](auto &entry) { return overlaps(entry.first); })))
      return true;
  }
  return false;
}

bool RowChain::conflictsWithDeferred(Operation *op) const {
  if (deferred.empty())
    return false;
  SmallVector<Touch> own = touchesOf(op);
  for (Operation *other : deferred)
    for (const Touch &theirs : touchesOf(other))
      for (const Touch &mine : own)
        if ((mine.writes || theirs.writes) && mine.roots.mayAlias(theirs.roots))
          return true;
  return false;
}

std::optional<RowChain> RowChain::startingAt(linalg::LinalgOp first, bool inPieces) {
  if (!isa<linalg::GenericOp>(first.getOperation()) || first.getNumReductionLoops() == 0 || llvm::is_contained(first.getStaticLoopRanges(), 0))
    return std::nullopt;
  // What the results have are rows, what is around it columns.
  RowChain chain;
  chain.rows = chain.inner = 1;
  chain.inPieces = inPieces;
  llvm::SmallBitVector kept(first.getNumLoops(), true);
  for (OpOperand &init : first.getDpsInitsMutable()) {
    llvm::SmallBitVector own(first.getNumLoops());
    for (AffineExpr expr : first.getMatchingIndexingMap(&init).getResults())
      if (auto dim = dyn_cast<AffineDimExpr>(expr))
        own.set(dim.getPosition());
    kept &= own;
  }
  for (auto [dim, size] : llvm::enumerate(first.getStaticLoopRanges())) {
    if (size == 1)
      continue;
    if (!kept[dim]) {
      chain.inner *= size;
      continue;
    }
    if (chain.inner > 1) { // what came so far is around the rows
      if (chain.rows > 1)
        return std::nullopt;
      chain.outer = chain.inner;
      chain.inner = 1;
    }
    chain.rows *= size;
  }
  chain.columns = chain.outer * chain.inner;
  if (chain.columns < 2 || (chain.outer > 1 && (!inPieces || chain.inner < kMinPiece)))
    return std::nullopt;
  std::optional<RowMember> start = chain.analyze(first);
  if (!start || !start->reduces() || !chain.canJoin(*start))
    return std::nullopt;
  chain.add(std::move(*start));
  unsigned steps = 0;
  for (Operation *op = first->getNextNode(); op && steps < kReach; op = op->getNextNode(), ++steps) {
    if (op->hasTrait<OpTrait::IsTerminator>())
      break;
    // Calls and tapes may write where no operand shows it.
    if (!isPure(op) && !isa<linalg::LinalgOp, memref::CopyOp, memref::AllocOp, memref::LoadOp, gpu::LaunchFuncOp>(op))
      break;
    bool isBehind = chain.conflictsWithDeferred(op);
    if (auto generic = dyn_cast<linalg::GenericOp>(op); generic && !isBehind) {
      std::optional<RowMember> member = chain.analyze(generic);
      if (member && chain.canJoin(*member) && chain.operations + std::distance(generic.getBody()->begin(), generic.getBody()->end()) <= kMaxRowOperations) {
        chain.add(std::move(*member));
        steps = 0;
        continue;
      }
    }
    // The members run behind it, or it runs behind them.
    if (!isBehind && !chain.conflictsWithMembers(op))
      continue;
    if (!isa<linalg::LinalgOp, memref::CopyOp>(op))
      break;
    chain.deferred.push_back(op);
  }
  return chain;
}
