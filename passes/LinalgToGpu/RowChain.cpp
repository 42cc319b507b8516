//===- RowChain.cpp - which ops run as one kernel over rows ---------------===//
#include "passes/LinalgToGpu/RowChain.h"

#include "passes/LinalgToGpu/BodyEmitter.h"
#include "passes/LinalgToGpu/Touches.h"
#include "passes/LinalgToLLVM/BufferRoots.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace mlir::cell;

namespace {
/// Operations in the bodies of a chain: beyond this registers do not last.
constexpr int64_t kMaxOperations = 300;
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

RowChain::Split RowChain::split(const RowMember &member) const {
  Split result;
  int64_t rest = member.isWide ? columns : 1;
  for (const PlannedLoop &loop : llvm::reverse(member.plan.loops)) {
    if (rest == 1) {
      result.rowSizes.insert(result.rowSizes.begin(), loop.size);
    } else if (rest >= loop.size) {
      result.columnSizes.insert(result.columnSizes.begin(), loop.size);
      rest = rest % loop.size ? 0 : rest / loop.size;
    } else {
      result.columnSizes.insert(result.columnSizes.begin(), rest);
      result.rowSizes.insert(result.rowSizes.begin(), loop.size / rest);
      result.shared = true;
      rest = loop.size % rest ? 0 : 1;
    }
    if (rest == 0)
      return {};
  }
  return result;
}

RowAccess RowChain::accessOf(const LoopPlan &plan, OpOperand &operand, bool isWide) const {
  auto type = dyn_cast<MemRefType>(operand.get().getType());
  unsigned i = operand.getOperandNumber();
  if (!type || !type.getLayout().isIdentity() || plan.offsets[i] != 0)
    return RowAccess::Other;
  int64_t count = type.getNumElements();
  bool isRow = count == rows, isFull = isWide && count == rows * columns;
  if (!isRow && !isFull)
    return RowAccess::Other;
  // Row major over what the buffer has, and standing still over columns if it has one element per row.
  int64_t expected = 1, passed = 1;
  for (const PlannedLoop &loop : llvm::reverse(plan.loops)) {
    bool overColumns = isWide && passed < columns;
    passed *= loop.size;
    if (isRow && overColumns) {
      if (loop.strides[i] != 0 || passed > columns)
        return RowAccess::Other;
      continue;
    }
    if (loop.strides[i] != expected)
      return RowAccess::Other;
    expected *= loop.size;
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
  // Loops in the order of the dimensions: all members then number their points alike.
  int64_t last = -1;
  for (const PlannedLoop &loop : plan->loops)
    for (unsigned dim : loop.dims) {
      if (dim <= last)
        return std::nullopt;
      last = dim;
    }
  Split parts = split(member);
  if (parts.rowSizes.empty() && parts.columnSizes.empty() && !plan->loops.empty())
    return std::nullopt;
  for (OpOperand &operand : op->getOpOperands()) {
    member.access.push_back(accessOf(*plan, operand, isWide));
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

std::optional<RowChain> RowChain::startingAt(linalg::LinalgOp first) {
  if (!isa<linalg::GenericOp>(first.getOperation()) || first.getNumReductionLoops() == 0 || llvm::is_contained(first.getStaticLoopRanges(), 0))
    return std::nullopt;
  RowChain chain;
  chain.rows = chain.columns = 1;
  for (auto [size, iterator] : llvm::zip_equal(first.getStaticLoopRanges(), first.getIteratorTypesArray()))
    (iterator == utils::IteratorType::reduction ? chain.columns : chain.rows) *= size;
  if (chain.columns < 2)
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
      if (member && chain.canJoin(*member) && chain.operations + std::distance(generic.getBody()->begin(), generic.getBody()->end()) <= kMaxOperations) {
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
