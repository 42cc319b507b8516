//===- KernelModel.cpp - what the ops of a kernel do, to which bytes, on which pipe --===//
#include "passes/AscendSchedule/KernelModel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

using namespace mlir;
using namespace mlir::ascend;

SmallVector<func::FuncOp> mlir::ascend::getScheduledKernels(ModuleOp module) {
  SmallVector<func::FuncOp> kernels;
  module.walk([&](func::FuncOp func) {
    auto core = func->getAttrOfType<CoreAttr>(kCoreAttr);
    if (core && core.getValue() != Core::AICPU && !func.isExternal())
      kernels.push_back(func);
  });
  return kernels;
}

Value mlir::ascend::getRoot(Value view) {
  while (auto op = view.getDefiningOp<ViewLikeOpInterface>())
    view = op.getViewSource();
  if (isa<BlockArgument>(view))
    return isa<func::FuncOp>(view.getParentBlock()->getParentOp()) ? view : Value();
  return isa_and_nonnull<memref::AllocOp, AddressOp>(view.getDefiningOp()) ? view : Value();
}

//===----------------------------------------------------------------------===//
// Rings and buffers
//===----------------------------------------------------------------------===//

/// True if `slot` counts the steps of its loop.
static bool countsSteps(Value slot, scf::ForOp loop) {
  Value counter = slot, iv = loop.getInductionVar();
  auto isStep = [&](Value v) { return v == loop.getStep() || (getConstantIntValue(v) && getConstantIntValue(v) == getConstantIntValue(loop.getStep())); };
  bool divided = isa_and_nonnull<arith::DivUIOp, arith::DivSIOp, arith::FloorDivSIOp>(counter.getDefiningOp());
  if (divided) {
    if (!isStep(counter.getDefiningOp()->getOperand(1)))
      return false;
    counter = counter.getDefiningOp()->getOperand(0);
  } else if (counter == iv && !isConstantIntValue(loop.getStep(), 1)) {
    return false;
  }
  if (auto distance = counter.getDefiningOp<arith::SubIOp>())
    return (divided || isConstantIntValue(loop.getStep(), 1)) && distance.getLhs() == iv && distance.getRhs() == loop.getLowerBound();
  if (counter == iv)
    return slot == iv || isConstantIntValue(loop.getLowerBound(), 0);
  auto carried = dyn_cast<BlockArgument>(slot);
  if (!carried || carried.getOwner() != loop.getBody() || carried == iv)
    return false;
  auto next = loop.getYieldedValues()[carried.getArgNumber() - 1].getDefiningOp<arith::AddIOp>();
  return next && next.getLhs() == carried && isConstantIntValue(next.getRhs(), 1);
}

unsigned KernelModel::getRing(Value slot, unsigned count) {
  for (auto [i, ring] : llvm::enumerate(rings))
    if (!ring.fades && ring.slot == slot && ring.count == count)
      return i;
  Operation *holder = isa<BlockArgument>(slot) ? slot.getParentBlock()->getParentOp() : slot.getDefiningOp()->getParentOp();
  auto loop = dyn_cast<scf::ForOp>(holder);
  if (!loop)
    loop = holder->getParentOfType<scf::ForOp>();
  rings.push_back({slot, count, loop, loop && countsSteps(slot, loop), false});
  return rings.size() - 1;
}

FailureOr<unsigned> KernelModel::getBuffer(Value root, Operation *user) {
  if (!root)
    return user->emitOpError("uses memory that does not come from an argument, a memref.alloc or an ascend.address: the kernel cannot be scheduled");
  auto [at, fresh] = bufferOf.try_emplace(root, buffers.size());
  if (!fresh)
    return at->second;
  Buffer buffer{root, root.getDefiningOp(), getSpace(root).value_or(Space::GM)};
  if (buffer.space != Space::GM) {
    auto type = cast<MemRefType>(root.getType());
    if (!type.hasStaticShape() || !type.getLayout().isIdentity())
      return root.getDefiningOp()->emitError("a buffer of type ") << type << " has no size known when compiling: give it the size of the largest tile and use a subview";
    buffer.bytes = getBufferBytes(type);
    if (auto address = root.getDefiningOp<AddressOp>()) {
      buffer.offsets.assign(address.getOffsets().begin(), address.getOffsets().end());
      if (address.getSlot() && buffer.offsets.size() > 1)
        buffer.ring = getRing(address.getSlot(), buffer.offsets.size());
    }
  }
  buffers.push_back(std::move(buffer));
  return at->second;
}

/// True if the type of a view says where in its buffer it starts. That of memref.view does not.
static bool offsetIsInType(Value view) {
  for (Operation *op = view.getDefiningOp(); isa_and_nonnull<ViewLikeOpInterface>(op); op = view.getDefiningOp()) {
    if (!isa<memref::SubViewOp, memref::ReinterpretCastOp, memref::CastOp, memref::CollapseShapeOp, memref::ExpandShapeOp>(op))
      return false;
    view = cast<ViewLikeOpInterface>(op).getViewSource();
  }
  return true;
}

LogicalResult KernelModel::addAccess(Node &node, Value view, Pipe pipe, bool writes) {
  FailureOr<unsigned> buffer = getBuffer(getRoot(view), node.op);
  if (failed(buffer))
    return failure();
  Access access{&node, view, *buffer, pipe, writes, 0, INT64_MAX, buffers[*buffer].ring};
  auto type = cast<MemRefType>(view.getType());
  if (buffers[*buffer].space != Space::GM)
    access.end = buffers[*buffer].bytes;
  SmallVector<int64_t> strides;
  int64_t offset, last = 0, unit = getElementBytes(type.getElementType());
  bool known = succeeded(type.getStridesAndOffset(strides, offset)) && !ShapedType::isDynamic(offset) && offsetIsInType(view);
  if (known) {
    access.begin = offset * unit;
    for (auto [size, stride] : llvm::zip(type.getShape(), strides))
      last = last < 0 || size < 0 || stride < 0 ? -1 : last + std::max<int64_t>(size - 1, 0) * stride;
    if (last >= 0)
      access.end = std::min(access.end, access.begin + (last + 1) * unit);
  }
  if (buffers[*buffer].space == Space::GM)
    if (auto loop = node.op->getParentOfType<scf::ForOp>()) {
      auto [at, fresh] = fading.try_emplace(loop, rings.size());
      if (fresh)
        rings.push_back({Value(), 3, loop, true, true});
      access.ring = at->second;
    }
  node.accesses.push_back(accesses.size());
  accesses.push_back(access);
  return success();
}

//===----------------------------------------------------------------------===//
// Conflicts
//===----------------------------------------------------------------------===//

bool KernelModel::mayTouch(const Access &now, const Access &before, unsigned place) const {
  const Buffer &a = buffers[now.buffer], &b = buffers[before.buffer];
  if (a.space != b.space)
    return false;
  bool apart = now.end <= before.begin || before.end <= now.begin;
  if (a.space == Space::GM)
    return now.buffer == before.buffer && !apart && mayTouchGlobal(now, before, place);
  if (a.offsets.empty() || b.offsets.empty())
    return now.buffer == before.buffer && !apart;
  // In one ring both are at places that are known relative to each other; else each may be at any of its places.
  auto meets = [&](int64_t x, int64_t y) { return x + now.begin < y + before.end && y + before.begin < x + now.end; };
  for (unsigned i = 0; i < a.offsets.size(); ++i)
    for (unsigned j = 0; j < b.offsets.size(); ++j)
      if ((!a.ring || a.ring != b.ring || j == (i + place) % b.offsets.size()) && meets(a.offsets[i], b.offsets[j]))
        return true;
  return false;
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

int64_t Node::index() const {
  for (auto [i, node] : llvm::enumerate(*within))
    if (node.get() == this)
      return i;
  return -1;
}

static Node &append(Sequence &into, Node::Kind kind, Operation *op, Node *parent) {
  into.push_back(std::make_unique<Node>());
  Node &node = *into.back();
  node.kind = kind;
  node.op = op;
  node.parent = parent;
  node.within = &into;
  return node;
}

LogicalResult KernelModel::readOp(Operation &op, Node *parent, Sequence &into) {
  auto flag = [&](auto set, Node::Kind kind) {
    Node &node = append(into, kind, &op, parent);
    node.source = set.getSource();
    node.target = set.getTarget();
    node.ids.assign(set.getIds().begin(), set.getIds().end());
    node.slot = node.ids.size() > 1 ? set.getSlot() : Value();
    return success();
  };
  if (auto set = dyn_cast<SetFlagOp>(op))
    return flag(set, Node::Kind::Set);
  if (auto wait = dyn_cast<WaitFlagOp>(op))
    return flag(wait, Node::Kind::Wait);
  if (auto barrier = dyn_cast<BarrierOp>(op)) {
    append(into, Node::Kind::Barrier, &op, parent).source = barrier.getPipe();
    return success();
  }
  if (auto run = dyn_cast<AscendPipeOpInterface>(op)) {
    Node &node = append(into, Node::Kind::Run, &op, parent);
    node.source = run.getInPipe();
    node.target = run.getPipe();
    SmallVector<Value> writes = run.getWrites();
    for (Value read : run.getReads())
      if (!llvm::is_contained(writes, read) && failed(addAccess(node, read, node.source, false)))
        return failure();
    for (Value write : writes)
      if (failed(addAccess(node, write, node.target, true)))
        return failure();
    if (auto scratch = op.getAttrOfType<IntegerAttr>(kScratchAttr)) {
      node.accesses.push_back(accesses.size());
      accesses.push_back({&node, Value(), unsigned(buffers.size()), node.target, true, 0, run.getScratchBytes(), std::nullopt});
      buffers.push_back({Value(), &op, Space::UB, run.getScratchBytes(), {scratch.getInt()}, std::nullopt});
    }
    return success();
  }
  if (auto load = dyn_cast<memref::LoadOp>(op))
    return addAccess(append(into, Node::Kind::Run, &op, parent), load.getMemRef(), Pipe::S, false);
  if (auto loop = dyn_cast<scf::ForOp>(op)) {
    Node &node = append(into, Node::Kind::Loop, &op, parent);
    if (std::optional<llvm::APInt> steps = loop.getStaticTripCount())
      node.steps = steps->getSExtValue();
    node.bodies.resize(1);
    return readBlock(*loop.getBody(), &node, node.bodies[0]);
  }
  if (auto branch = dyn_cast<scf::IfOp>(op)) {
    Node &node = append(into, Node::Kind::Branch, &op, parent);
    node.bodies.resize(2);
    if (failed(readBlock(*branch.thenBlock(), &node, node.bodies[0])))
      return failure();
    return branch.elseBlock() ? readBlock(*branch.elseBlock(), &node, node.bodies[1]) : success();
  }
  bool harmless = isa<memref::AllocOp, memref::DeallocOp, AddressOp, BlockIdxOp, BlockNumOp>(op) || op.hasTrait<OpTrait::IsTerminator>() || isMemoryEffectFree(&op);
  if (!harmless || op.getNumRegions())
    return op.emitOpError("cannot stand in a kernel of the vector or cube cores: only ascend ops, scf.for, scf.if, memref.load of global memory and arithmetic can");
  return success();
}

LogicalResult KernelModel::readBlock(Block &block, Node *parent, Sequence &into) {
  for (Operation &op : block)
    if (failed(readOp(op, parent, into)))
      return failure();
  return success();
}

FailureOr<std::unique_ptr<KernelModel>> KernelModel::read(func::FuncOp kernel) {
  auto model = std::make_unique<KernelModel>();
  model->kernel = kernel;
  model->target = Target::get(kernel);
  if (!kernel.getBody().hasOneBlock())
    return kernel.emitError("a kernel of the vector or cube cores must have structured control flow (scf.for, scf.if)");
  for (Type type : kernel.getArgumentTypes())
    if (std::optional<Space> space = getSpace(type); space && *space != Space::GM)
      return kernel.emitError("has an argument of type ") << type << ": kernels take global memory only; local buffers are made in the kernel, by memref.alloc";
  if (failed(model->readBlock(kernel.front(), nullptr, model->body)))
    return failure();
  return model;
}
