//===- KernelModel.h - what the ops of a kernel do, to which bytes, on which pipe --===//
//
// One analysis for planning, flags and verification. A kernel becomes a tree of nodes (ops of pipes, flags, barriers, loops, branches); an op has
// accesses: bytes of a buffer that it reads or writes. Buffers with several places (`slot`) belong to a ring: the accesses of one step of the ring's
// loop all use the same place, the next step uses the next one.
//
//===----------------------------------------------------------------------===//
#ifndef CELL_PASSES_ASCENDSCHEDULE_KERNELMODEL_H
#define CELL_PASSES_ASCENDSCHEDULE_KERNELMODEL_H

#include "dialect/Ascend/Ascend.h"
#include "dialect/Ascend/Target.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/BitVector.h"

#include <memory>

namespace mlir::ascend {

constexpr unsigned kPipes = 7; // Pipe::S to Pipe::FIX; Pipe::ALL stands in barriers only

/// Kernels of the vector and cube cores of a module, in order. AI CPU kernels have neither pipes nor local memory.
SmallVector<func::FuncOp> getScheduledKernels(ModuleOp module);

/// The buffer that a view, or a view of a view, looks into: an argument, `memref.alloc` or `ascend.address`. Null if it is none of them.
Value getRoot(Value view);

/// `a + sum of factor * value`: an index that a kernel computes, as far as that can be seen.
struct LinearIndex {
  int64_t constant = 0;
  SmallVector<std::pair<Value, int64_t>, 4> terms; // sorted, no factor is 0

  static LinearIndex of(OpFoldResult index);
  void add(const LinearIndex &other, int64_t factor);
  LinearIndex minus(const LinearIndex &other) const;
  bool operator==(const LinearIndex &other) const { return constant == other.constant && terms == other.terms; }
};

/// Accesses whose place turns with the steps of a loop.
struct Ring {
  Value slot;         // null: see `fades`
  unsigned count = 1; // places
  scf::ForOp loop;
  bool advances = false; // slot + 1 in the next step: places come in turn
  /// No slots: place 0 is this step of the loop, 1 the steps before, 2 what was before the loop. For global memory, whose tiles differ from step to step.
  bool fades = false;
};

struct Buffer {
  Value root;                          // null: scratch memory of an op
  Operation *maker;                    // the op that makes it, or whose scratch it is; null for arguments
  Space space;
  int64_t bytes = 0;                   // of one place; global memory: unknown
  SmallVector<int64_t, 2> offsets;     // empty if not planned
  std::optional<unsigned> ring;
};

struct Node;

struct Access {
  Node *node;
  Value view;
  unsigned buffer;
  Pipe pipe;
  bool writes;
  int64_t begin, end; // bytes of the buffer
  std::optional<unsigned> ring;
  unsigned key = 0; // first of its keys (see Ordering): one per place of the ring
};

using Sequence = std::vector<std::unique_ptr<Node>>;

struct Node {
  enum class Kind { Run, Set, Wait, Barrier, Loop, Branch };
  Kind kind;
  Operation *op = nullptr; // null: a flag or barrier that is only proposed
  Node *parent = nullptr;
  Sequence *within = nullptr;
  SmallVector<unsigned, 4> accesses;  // Run
  Pipe source = Pipe::S, target = Pipe::S; // Set, Wait: from, to. Run: reads on source, writes on target. Barrier: source
  SmallVector<int64_t, 2> ids;        // Set, Wait
  Value slot;                         // Set, Wait
  std::vector<Sequence> bodies;       // Loop: one, Branch: two
  std::optional<int64_t> steps;       // Loop: if known
  int proposal = -1;                  // which proposed flag it is part of
  bool behind = false;                // proposed: stays with the node before it

  int64_t index() const;
};

class KernelModel {
public:
  /// Reads a kernel. Reports what it cannot follow.
  static FailureOr<std::unique_ptr<KernelModel>> read(func::FuncOp kernel);

  /// True if the access and that of another node at place `place` of its ring (relative to this step) may touch the same bytes.
  bool mayTouch(const Access &now, const Access &before, unsigned place) const;

  /// How two accesses of one op meet, which are at the same time.
  enum class Meeting { Apart, Same, Part };
  Meeting meetingOf(const Access &x, const Access &y) const;

  /// The ring of a slot value with `count` places; made if there is none yet.
  unsigned getRing(Value slot, unsigned count);

  func::FuncOp kernel;
  Target target;
  std::vector<Ring> rings;
  std::vector<Buffer> buffers;
  std::vector<Access> accesses;
  Sequence body;

private:
  LogicalResult readBlock(Block &block, Node *parent, Sequence &into);
  LogicalResult readOp(Operation &op, Node *parent, Sequence &into);
  LogicalResult addAccess(Node &node, Value view, Pipe pipe, bool writes);
  FailureOr<unsigned> getBuffer(Value root, Operation *user);
  bool mayTouchGlobal(const Access &now, const Access &before, unsigned place) const;

  llvm::DenseMap<Value, unsigned> bufferOf;
  llvm::DenseMap<Operation *, unsigned> fading; // loop -> ring
};

} // namespace mlir::ascend

#endif // CELL_PASSES_ASCENDSCHEDULE_KERNELMODEL_H
