//===- Ordering.h - which accesses each pipe of a kernel comes after ----------===//
//
// A must-analysis over the tree of a kernel. For each pipe it knows the accesses that are done for certain before anything that the pipe starts from here
// on: its own, and what flags and barriers have told it. One bit (a key) stands for all executions so far of an access at one place of its ring, counted
// from the place of this step; the next step turns the bits. A flag that is up carries what its source pipe knew when it was set. Where paths join, both
// must know; what never ran is known to all. A wait has a bit, too: a flag is up or down and does not count, so it may be set again only when the wait for
// the last time is over.
//
//===----------------------------------------------------------------------===//
#ifndef CELL_PASSES_ASCENDSCHEDULE_ORDERING_H
#define CELL_PASSES_ASCENDSCHEDULE_ORDERING_H

#include "passes/AscendSchedule/KernelModel.h"

#include <array>

namespace mlir::ascend {

/// Something wrong, found at `node`.
struct Problem {
  enum Kind { Race, NeverSet, SetTwice, SetEarly, StaysUp };
  Kind kind;
  Node *node;               // null: the end of the kernel
  unsigned access = 0;      // Race: the access that comes too early ...
  llvm::BitVector keys;     // ... for these
  Pipe source = Pipe::S, target = Pipe::S; // the flag
  int64_t id = 0;
  bool someTimes = false;   // the flag is wrong on some paths only
};

class Ordering {
public:
  explicit Ordering(KernelModel &model) : model(model) {}

  /// Walks the kernel. `report` hears of each problem in program order and returns false to stop.
  void run(llvm::function_ref<bool(const Problem &)> report);
  /// True if nothing is wrong.
  bool holds();

  /// The access and the place of its ring that a key stands for.
  std::pair<unsigned, unsigned> access(unsigned key) const { return keyOwner[key]; }

  llvm::BitVector without; // numbers of proposals that are left out

private:
  struct Flag {
    enum { Down, Up, Either } at = Down;
    llvm::BitVector with;
  };
  struct State {
    std::array<llvm::BitVector, kPipes> known;
    std::vector<Flag> flags;
  };
  struct FlagName {
    Pipe source, target;
    int64_t id;
  };

  void prepare();
  void collectFlags(Sequence &sequence);
  unsigned flagNumber(const Node &node, int64_t id);
  unsigned waitKey(unsigned flag) const { return keyOwner.size() + flag; }
  void forget(State &state, unsigned key, Pipe knows) const;
  void walk(Sequence &sequence, State &state);
  void walkLoop(Node &node, State &state);
  void runOp(Node &node, State &state);
  void check(Node &node, State &state, Pipe pipe);
  void record(Node &node, State &state, Pipe pipe);
  void setFlag(Node &node, State &state);
  void waitFlag(Node &node, State &state);
  bool meet(State &into, const State &other) const;
  void turn(State &state, unsigned ring) const;
  void anyPlace(State &state, unsigned ring) const;
  void leave(State &state, unsigned ring) const;
  void problem(Problem problem);

  KernelModel &model;
  std::vector<std::pair<unsigned, unsigned>> keyOwner;
  std::vector<llvm::BitVector> conflicts;                          // per access: keys that it must come after
  std::vector<FlagName> names;
  std::vector<SmallVector<SmallVector<unsigned, 2>, 4>> ringKeys;  // per ring: the keys of each access, by place
  std::vector<SmallVector<SmallVector<unsigned, 2>, 4>> ringFlags; // per ring: the flags of each family, by place
  llvm::DenseMap<Operation *, SmallVector<unsigned, 2>> loopRings;
  bool prepared = false;
  unsigned quiet = 0;
  bool stopped = false;
  llvm::function_ref<bool(const Problem &)> report = nullptr;
};

} // namespace mlir::ascend

#endif // CELL_PASSES_ASCENDSCHEDULE_ORDERING_H
