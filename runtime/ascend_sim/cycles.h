//===- cycles.h - the model of time -----------------------------------------===//
#ifndef CELLGRAD_ASCEND_CYCLES_H
#define CELLGRAD_ASCEND_CYCLES_H

#include "runtime/ascend_sim/core.h"

#include <unordered_map>

namespace cellgrad::ascend {

enum Path { kGmUb, kGmL1, kUbGm, kL0cGm, kL1L0a, kL1L0b, kL1Bt, kUbUb, kPaths };
const char *pathName(int path);

/// What an operation costs, without what is known at the end of the launch only.
struct Cost {
  int64_t cycles = 0;   // that its pipe is busy
  int64_t latency = 0;  // from then until what it wrote is there; the pipe goes on meanwhile
  int64_t moved = 0;    // bytes through global memory, in whole units of transfer
  int64_t bytes = 0;    // of data
  int path = -1;
  bool reads = false;   // of global memory
};
Cost costOf(const Target &target, const cg_ascend_op &op, const cg_ascend_view *views);

/// Operations of one block in the order of the program.
struct Event {
  const cg_ascend_op *op;
  int32_t id; // of a flag
  Cost cost;
};

/// When an operation ran.
struct Span {
  const cg_ascend_op *op;
  int64_t start, end;
};
struct BlockTimes {
  int64_t cycles = 0, busy[CG_ASCEND_PIPES] = {};
  std::vector<Span> spans[CG_ASCEND_PIPES]; // only if wanted
};

struct LaunchTimes {
  std::string kernel;
  int core = 0;
  int64_t blocks = 0, cores = 0, cycles = 0; // cycles of the core that is done last
  int64_t busy[CG_ASCEND_PIPES] = {};        // of that core
  int64_t bytes[kPaths] = {};                // of all cores
  std::string wrong;
};

/// Collects what the blocks of a launch do, then says how long it takes.
class CycleModel {
public:
  CycleModel(const Target &target, std::string kernel, int core, bool trace) : target(target), core(core), trace(trace) { times.kernel = std::move(kernel), times.core = core; }
  void beginBlock() { blocks.emplace_back(); }
  void add(const cg_ascend_op &op, const cg_ascend_view *views, int32_t id);
  /// A block of a general core.
  void addGeneral(int64_t operations, int64_t accesses) { general.push_back(operations * target.aicpu_op_cycles + accesses * target.aicpu_memory_cycles); }
  /// After the last of so many blocks.
  const LaunchTimes &finish(int64_t count);
  /// For the trace: the spans of each core's blocks, one behind the other.
  struct CoreSpans {
    int64_t core;
    std::vector<Span> spans[CG_ASCEND_PIPES];
  };
  const std::vector<CoreSpans> &coreSpans() const { return traced; }

private:
  BlockTimes run(const std::vector<Event> &events);
  int64_t busyCycles(const Event &event) const;
  void touch(const Operand &operand, bool reads);

  const Target &target;
  int core;
  bool trace;
  LaunchTimes times;
  std::vector<std::vector<Event>> blocks;
  std::vector<int64_t> general; // cycles of blocks
  std::vector<CoreSpans> traced;
  // Lines of global memory that the launch read or wrote, by number of a page of them.
  std::unordered_map<uint64_t, uint64_t> lines[2];
  int64_t movedBytes[2] = {}, uniqueBytes[2] = {};
  double cyclesPerByte[2] = {}; // of global memory beyond the core's own path
};

} // namespace cellgrad::ascend

#endif // CELLGRAD_ASCEND_CYCLES_H
