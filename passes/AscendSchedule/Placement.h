//===- Placement.h - places for the buffers of a kernel -----------------------===//
#ifndef CELL_PASSES_ASCENDSCHEDULE_PLACEMENT_H
#define CELL_PASSES_ASCENDSCHEDULE_PLACEMENT_H

#include "passes/AscendSchedule/KernelModel.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace mlir::ascend {

/// Names in messages.
inline std::string upper(Space space) { return stringifySpace(space).upper(); }
inline std::string upper(Pipe pipe) { return stringifyPipe(pipe).upper(); }

/// A buffer that a kernel allocates in a memory of the core, or scratch memory of an op.
struct LocalBuffer {
  Operation *maker; // memref.alloc, or the op
  Space space;
  int64_t bytes;       // of one copy, a multiple of the alignment
  unsigned copies = 1; // places that the steps of `loop` use in turn
  scf::ForOp loop;     // innermost around it; null outside of loops
  int64_t first, last; // positions between which one copy is alive
  int64_t loopFirst = 0, loopLast = 0;
  unsigned pipes = 0;
  SmallVector<int64_t, 2> offsets;
};

/// When the buffers of a kernel are alive, as positions in program order; an op with regions spans what is in it.
class Lifetimes {
public:
  explicit Lifetimes(KernelModel &model);

  struct Life {
    int64_t first, last;
    unsigned pipes = 0; // bit per pipe that uses it
  };
  /// From the first to the last op that uses a buffer of the core, in the block of the op that makes it: what it holds does not outlive a step of the
  /// loop around it.
  Life of(Operation *maker) const;
  std::pair<int64_t, int64_t> span(Operation *op) const { return spans.lookup(op); }

private:
  KernelModel &model;
  llvm::DenseMap<Operation *, std::pair<int64_t, int64_t>> spans;
};

/// How far buffers share bytes. Sharing makes one pipe wait for another, in each step of a loop again.
enum class Sharing {
  Apart,      // never between buffers of a loop that are not used by one and the same pipe only
  ApartClose, // as Apart, for buffers of the same innermost loop
  Any         // whatever is never alive together
};

struct SpacePlan {
  Space space;
  int64_t peak = 0, capacity = 0;
  Sharing sharing = Sharing::Apart;
  bool fits() const { return peak <= capacity; }
};

/// The buffers that `memref.alloc` ops of the kernel make, with `ascend.multi_buffer` copies, and the scratch memory that ops ask for.
FailureOr<SmallVector<LocalBuffer>> getLocalBuffers(KernelModel &model);

/// Gives the buffers of one space their offsets, with as little sharing as fits (`most`: no more than that). Best fit, smallest peak of several orders.
SpacePlan placeBuffers(MutableArrayRef<LocalBuffer> buffers, Space space, const Target &target, Sharing most = Sharing::Any);

} // namespace mlir::ascend

#endif // CELL_PASSES_ASCENDSCHEDULE_PLACEMENT_H
