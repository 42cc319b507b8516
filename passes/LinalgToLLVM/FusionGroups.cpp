//===- FusionGroups.cpp - which generics run as one loop ------------------===//
#include "passes/LinalgToLLVM/FusionGroups.h"

#include "dialect/Rt/RtOps.h"

#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace mlir::cell;

namespace {
/// Beyond this many memory streams or operations a loop loses more in registers than it wins in memory traffic.
constexpr unsigned kMaxStreams = 24, kMaxBody = 400;
/// Reading a shared input once is worth a common loop from this many elements on.
constexpr int64_t kSiblingElements = 1024;

bool isFullPermutation(AffineMap map) { return map.isPermutation(); }

bool reads(linalg::GenericOp op, OpOperand &operand) {
  return !op.getMatchingBlockArgument(&operand).use_empty();
}
} // namespace

AffineMap cell::mapInGroup(const FusionMember &member, OpOperand &operand) {
  MLIRContext *context = operand.getOwner()->getContext();
  SmallVector<AffineExpr> dims;
  for (unsigned d : member.toGroup)
    dims.push_back(getAffineDimExpr(d, context));
  linalg::GenericOp op = member.op;
  AffineMap map = op.getMatchingIndexingMap(&operand);
  return map.replaceDimsAndSymbols(dims, {}, member.toGroup.size(), 0);
}

FusionGroups::FusionGroups(Block &block, const OrderedEffects &effects) : block(block) {
  Operation *last = nullptr; // with an effect: the next one stays behind it
  for (Operation &op : block) {
    add(&op);
    if (!effects.contains(&op))
      continue;
    if (last)
      dependencies[&op].push_back(last);
    last = &op;
  }
  for (Operation &op : block)
    if (auto generic = dyn_cast<linalg::GenericOp>(op); generic && !where[&op]->members.empty())
      join(generic);
}

SmallVector<FusionGroup *> FusionGroups::fusable() {
  SmallVector<FusionGroup *> result;
  for (auto &group : groups)
    if (!group->members.empty())
      result.push_back(group.get());
  return result;
}

void FusionGroups::add(Operation *op) {
  groups.push_back(std::make_unique<FusionGroup>());
  FusionGroup &group = *groups.back();
  group.ops.push_back(op);
  where[op] = &group;
  dependencies[op] = findDependencies(op, &block);
  group.afterBarrier = isa<cellrt::BarrierOp>(op) || llvm::any_of(dependencies[op], [&](Operation *before) { return where[before]->afterBarrier; });
  auto generic = dyn_cast<linalg::GenericOp>(op);
  if (!generic || !generic.hasPureTensorSemantics())
    return;
  group.domain = generic.getStaticLoopRanges();
  if (llvm::any_of(group.domain, [](int64_t size) { return ShapedType::isDynamic(size); }))
    return;
  Alignment identity(llvm::to_vector(llvm::seq<unsigned>(0, group.domain.size())));
  group.members.push_back({generic, identity});
  group.bodySize = generic.getBody()->getOperations().size();
}

FusionGroup *FusionGroups::groupOf(Value value) {
  Operation *def = value.getDefiningOp();
  return def ? where.lookup(def) : nullptr;
}

bool FusionGroups::hasIndirectPath(FusionGroup *from, FusionGroup *to) {
  SmallVector<FusionGroup *> work;
  llvm::SmallPtrSet<FusionGroup *, 32> seen;
  auto push = [&](FusionGroup *group) {
    for (Operation *op : group->ops)
      for (Operation *dependency : dependencies[op]) {
        FusionGroup *next = where[dependency];
        if (next == to || (group == to && next == from))
          continue; // an edge inside the group, or the direct one
        if (seen.insert(next).second)
          work.push_back(next);
      }
  };
  push(to);
  while (!work.empty()) {
    FusionGroup *group = work.pop_back_val();
    if (group == from)
      return true;
    push(group);
  }
  return false;
}

std::optional<FusionGroups::Alignment> FusionGroups::alignToProducers(linalg::GenericOp op, FusionGroup &group) {
  std::optional<Alignment> alignment;
  for (OpOperand &operand : op->getOpOperands()) {
    if (groupOf(operand.get()) != &group)
      continue;
    // Only a read sees the value; the result must be complete at each point, and read at that point.
    if (!reads(op, operand))
      return std::nullopt;
    AffineMap readMap = op.getMatchingIndexingMap(&operand);
    auto member = llvm::find_if(group.members, [&](FusionMember &m) { return m.op == operand.get().getDefiningOp(); });
    if (member == group.members.end() || !isFullPermutation(readMap) || readMap.getNumDims() != group.domain.size())
      return std::nullopt;
    OpOperand *init = member->op.getDpsInitOperand(cast<OpResult>(operand.get()).getResultNumber());
    AffineMap writeMap = member->op.getMatchingIndexingMap(init);
    if (!isFullPermutation(writeMap) || op.isDpsInit(&operand))
      return std::nullopt;
    Alignment here(group.domain.size());
    for (auto [readDim, writeDim] : llvm::zip_equal(readMap.getResults(), writeMap.getResults()))
      here[cast<AffineDimExpr>(readDim).getPosition()] = member->toGroup[cast<AffineDimExpr>(writeDim).getPosition()];
    if (alignment && *alignment != here)
      return std::nullopt;
    alignment = here;
  }
  return alignment;
}

std::optional<FusionGroups::Alignment> FusionGroups::alignToSiblings(linalg::GenericOp op, FusionGroup &group) {
  if (op.getStaticLoopRanges() != group.domain)
    return std::nullopt;
  Alignment identity(llvm::to_vector(llvm::seq<unsigned>(0, group.domain.size())));
  FusionMember self{op, identity};
  for (FusionMember &member : group.members)
    for (OpOperand *mine : op.getDpsInputOperands())
      for (OpOperand *other : member.op.getDpsInputOperands()) {
        auto type = dyn_cast<RankedTensorType>(mine->get().getType());
        if (mine->get() == other->get() && type && type.getNumElements() >= kSiblingElements &&
            mapInGroup(self, *mine) == mapInGroup(member, *other) && isFullPermutation(mapInGroup(self, *mine)))
          return identity;
      }
  return std::nullopt;
}

bool FusionGroups::staysPointwise(FusionGroup &into, FusionGroup &from, ArrayRef<unsigned> fromToInto) {
  SmallVector<FusionMember> all(into.members);
  for (FusionMember member : from.members) {
    for (unsigned &d : member.toGroup)
      d = fromToInto[d];
    all.push_back(member);
  }
  for (FusionMember &reader : all) {
    for (OpOperand &operand : reader.op->getOpOperands()) {
      auto writer = llvm::find_if(all, [&](FusionMember &m) { return m.op == operand.get().getDefiningOp(); });
      if (writer == all.end())
        continue;
      OpOperand *init = writer->op.getDpsInitOperand(cast<OpResult>(operand.get()).getResultNumber());
      if (reader.op.isDpsInit(&operand) || !mapInGroup(*writer, *init).isPermutation() || mapInGroup(*writer, *init) != mapInGroup(reader, operand))
        return false;
    }
    llvm::SetVector<Value> captured;
    getUsedValuesDefinedAbove(reader.op->getRegions(), captured);
    for (Value value : captured)
      if (FusionGroup *group = groupOf(value); group == &into || group == &from)
        return false;
  }
  return true;
}

bool FusionGroups::merge(FusionGroup &into, FusionGroup &from, ArrayRef<unsigned> fromToInto) {
  if (into.bodySize + from.bodySize > kMaxBody)
    return false;
  llvm::SmallDenseSet<Value> streams;
  for (FusionGroup *group : {&into, &from})
    for (FusionMember &member : group->members)
      for (Value input : member.op.getDpsInputs())
        if (FusionGroup *producer = groupOf(input); producer != &into && producer != &from && isa<RankedTensorType>(input.getType()))
          streams.insert(input);
  // Results that stay inside the loop cost nothing.
  for (FusionGroup *group : {&into, &from})
    for (FusionMember &member : group->members)
      for (OpResult result : member.op->getResults())
        if (llvm::any_of(result.getUsers(), [&](Operation *user) {
              FusionGroup *reader = where.lookup(user);
              return reader != &into && reader != &from;
            }))
          streams.insert(result);
  if (streams.size() > kMaxStreams)
    return false;
  if (!staysPointwise(into, from, fromToInto) || hasIndirectPath(&into, &from) || hasIndirectPath(&from, &into))
    return false;
  for (FusionMember &member : from.members) {
    for (unsigned &d : member.toGroup)
      d = fromToInto[d];
    into.members.push_back(member);
  }
  for (Operation *op : from.ops) {
    where[op] = &into;
    into.ops.push_back(op);
  }
  // Members compute in the order of the program.
  llvm::sort(into.members, [](FusionMember &a, FusionMember &b) { return a.op->isBeforeInBlock(b.op); });
  into.bodySize += from.bodySize;
  into.afterBarrier |= from.afterBarrier;
  from.members.clear();
  from.ops.clear();
  return true;
}

void FusionGroups::join(linalg::GenericOp op) {
  FusionGroup *self = where[op];
  llvm::SmallSetVector<FusionGroup *, 8> producers, siblings;
  for (Value input : op.getDpsInputs()) {
    if (FusionGroup *group = groupOf(input); group && !group->members.empty())
      producers.insert(group);
    for (Operation *user : llvm::make_early_inc_range(input.getUsers()))
      if (FusionGroup *group = where.lookup(user); group && siblings.size() < 16 && user->isBeforeInBlock(op) && !group->members.empty())
        siblings.insert(group);
  }
  // `self` moves into the first producer's group; the groups of further producers follow it there.
  for (bool vertical : {true, false})
    for (FusionGroup *group : vertical ? producers : siblings) {
      if (group == self || group->members.empty())
        continue;
      // What is computed again to save memory must not move to where it was computed first.
      if (!vertical && group->afterBarrier != self->afterBarrier)
        continue;
      std::optional<Alignment> alignment = vertical ? alignToProducers(op, *group) : alignToSiblings(op, *group);
      if (!alignment)
        continue;
      auto mine = llvm::find_if(self->members, [&](FusionMember &m) { return m.op == op; });
      // Dimensions of `group` in those of `self`, through the op that both know.
      Alignment groupToSelf(group->domain.size()), selfToGroup(self->domain.size());
      for (unsigned d = 0; d < alignment->size(); ++d) {
        groupToSelf[(*alignment)[d]] = mine->toGroup[d];
        selfToGroup[mine->toGroup[d]] = (*alignment)[d];
      }
      bool alone = self->members.size() == 1;
      if (alone ? merge(*group, *self, selfToGroup) : merge(*self, *group, groupToSelf))
        self = where[op];
    }
}
