//===- Placement.cpp - places for the buffers of a kernel ---------------------===//
#include "passes/AscendSchedule/Placement.h"

using namespace mlir;
using namespace mlir::ascend;

Lifetimes::Lifetimes(KernelModel &model) : model(model) {
  int64_t next = 0;
  std::function<void(Operation *)> count = [&](Operation *op) {
    int64_t first = next++;
    for (Region &region : op->getRegions())
      for (Operation &inner : region.getOps())
        count(&inner);
    spans[op] = {first, next++};
  };
  count(model.kernel);
}

Lifetimes::Life Lifetimes::of(Operation *maker) const {
  int64_t made = span(maker).first;
  Life life{made, made};
  for (const Access &access : model.accesses) {
    if (model.buffers[access.buffer].maker != maker)
      continue;
    Operation *op = access.node->op;
    while (op->getBlock() != maker->getBlock())
      op = op->getParentOp();
    auto [first, last] = span(op);
    life.first = life.pipes ? std::min(life.first, first) : first;
    life.last = std::max(life.last, last);
    life.pipes |= 1u << static_cast<unsigned>(access.pipe);
  }
  return life;
}

FailureOr<SmallVector<LocalBuffer>> mlir::ascend::getLocalBuffers(KernelModel &model) {
  Lifetimes lifetimes(model);
  SmallVector<LocalBuffer> buffers;
  auto add = [&](Operation *maker, Space space, int64_t bytes) -> LocalBuffer & {
    LocalBuffer buffer{maker, space, int64_t(llvm::alignTo(std::max<int64_t>(bytes, 1), model.target.getAlign(space)))};
    buffer.loop = maker->getParentOfType<scf::ForOp>();
    if (buffer.loop)
      std::tie(buffer.loopFirst, buffer.loopLast) = lifetimes.span(buffer.loop);
    Lifetimes::Life life = lifetimes.of(maker);
    buffer.first = life.first;
    buffer.last = life.last;
    buffer.pipes = life.pipes;
    buffers.push_back(buffer);
    return buffers.back();
  };
  WalkResult walk = model.kernel.walk([&](Operation *op) {
    if (auto run = dyn_cast<AscendPipeOpInterface>(op); run && run.getScratchBytes() > 0) {
      LocalBuffer &scratch = add(op, Space::UB, run.getScratchBytes());
      std::tie(scratch.first, scratch.last) = lifetimes.span(op);
      scratch.pipes = 1u << static_cast<unsigned>(run.getPipe());
    }
    auto alloc = dyn_cast<memref::AllocOp>(op);
    if (!alloc)
      return WalkResult::advance();
    Space space = getSpace(alloc.getResult()).value_or(Space::GM);
    if (space == Space::GM) {
      alloc.emitOpError("a kernel cannot allocate global memory: only the host can");
      return WalkResult::interrupt();
    }
    if (!alloc.getType().hasStaticShape() || !alloc.getType().getLayout().isIdentity()) {
      alloc.emitError("a buffer of type ") << alloc.getType() << " has no size known when compiling: give it the size of the largest tile and use a subview";
      return WalkResult::interrupt();
    }
    LocalBuffer &buffer = add(op, space, getBufferBytes(alloc.getType()));
    if (auto copies = alloc->getAttrOfType<IntegerAttr>(kMultiBufferAttr))
      buffer.copies = std::max<int64_t>(copies.getInt(), 1);
    if (buffer.copies > 1 && !buffer.loop) {
      alloc.emitError("ascend.multi_buffer is for buffers of a loop's body: this one is allocated once");
      return WalkResult::interrupt();
    }
    return WalkResult::advance();
  });
  if (walk.wasInterrupted())
    return failure();
  return buffers;
}

/// True if the two must not have a byte in common.
static bool conflict(const LocalBuffer &a, const LocalBuffer &b, Sharing sharing) {
  // All copies of a multi-buffered one are in use while its loop runs.
  auto first = [](const LocalBuffer &x) { return x.copies > 1 ? x.loopFirst : x.first; };
  auto last = [](const LocalBuffer &x) { return x.copies > 1 ? x.loopLast : x.last; };
  if (first(a) <= last(b) && first(b) <= last(a))
    return true;
  if (sharing == Sharing::Any || (a.pipes == b.pipes && llvm::isPowerOf2_32(a.pipes)))
    return false;
  if (sharing == Sharing::ApartClose)
    return a.loop && a.loop == b.loop;
  for (Operation *loop = a.loop; loop; loop = loop->getParentOfType<scf::ForOp>())
    if (b.loop && loop->isAncestor(b.loop))
      return true;
  return false;
}

namespace {
struct Piece {
  unsigned buffer, copy;
  int64_t offset = 0;
};
} // namespace

/// Places the pieces in their order, each in the smallest gap between those it must not share with. Returns the bytes used.
static int64_t placeInOrder(ArrayRef<LocalBuffer> buffers, MutableArrayRef<Piece> pieces, Sharing sharing) {
  SmallVector<Piece *> placed; // by offset
  int64_t peak = 0;
  for (Piece &piece : pieces) {
    const LocalBuffer &buffer = buffers[piece.buffer];
    int64_t end = 0, best = -1, bestGap = INT64_MAX;
    for (Piece *other : placed) {
      if (other->buffer != piece.buffer && !conflict(buffer, buffers[other->buffer], sharing))
        continue;
      int64_t gap = other->offset - end;
      if (gap >= buffer.bytes && gap < bestGap) {
        best = end;
        bestGap = gap;
      }
      end = std::max(end, other->offset + buffers[other->buffer].bytes);
    }
    piece.offset = best >= 0 ? best : end;
    peak = std::max(peak, piece.offset + buffer.bytes);
    placed.insert(llvm::upper_bound(placed, &piece, [](Piece *a, Piece *b) { return a->offset < b->offset; }), &piece);
  }
  return peak;
}

SpacePlan mlir::ascend::placeBuffers(MutableArrayRef<LocalBuffer> buffers, Space space, const Target &target, Sharing most) {
  SpacePlan plan{space, 0, target.getBytes(space)};
  SmallVector<Piece> pieces;
  for (auto [i, buffer] : llvm::enumerate(buffers))
    if (buffer.space == space)
      for (unsigned copy = 0; copy < buffer.copies; ++copy)
        pieces.push_back({unsigned(i), copy});
  auto length = [&](const Piece &p) { return buffers[p.buffer].last - buffers[p.buffer].first + 1; };
  auto bytes = [&](const Piece &p) { return buffers[p.buffer].bytes; };
  std::function<bool(const Piece &, const Piece &)> orders[] = {
      [&](const Piece &a, const Piece &b) { return bytes(a) > bytes(b); },
      [&](const Piece &a, const Piece &b) { return bytes(a) * length(a) > bytes(b) * length(b); },
      [&](const Piece &a, const Piece &b) { return buffers[a.buffer].first < buffers[b.buffer].first; }};
  for (Sharing sharing : {Sharing::Apart, Sharing::ApartClose, Sharing::Any}) {
    SmallVector<Piece> best;
    for (auto &order : orders) {
      SmallVector<Piece> trial = pieces;
      llvm::stable_sort(trial, order);
      int64_t peak = placeInOrder(buffers, trial, sharing);
      if (best.empty() || peak < plan.peak) {
        best = std::move(trial);
        plan.peak = peak;
      }
    }
    plan.sharing = sharing;
    for (const Piece &piece : best) {
      LocalBuffer &buffer = buffers[piece.buffer];
      buffer.offsets.resize(buffer.copies);
      buffer.offsets[piece.copy] = piece.offset;
    }
    if (plan.fits() || sharing == most)
      break;
  }
  return plan;
}
