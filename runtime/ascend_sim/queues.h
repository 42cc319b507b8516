//===- queues.h - pipes that run side by side --------------------------------===//
#ifndef CELLGRAD_ASCEND_QUEUES_H
#define CELLGRAD_ASCEND_QUEUES_H

#include "runtime/ascend_sim/core.h"

#include <array>
#include <deque>
#include <map>

namespace cellgrad::ascend {

/// How many operations of each pipe are known to be done.
using Clock = std::array<uint32_t, CG_ASCEND_PIPES>;

/// The pipes of one core. Operations wait in the queue of their pipe and run in any order that flags and barriers allow: late, or as a seed decides. Two
/// accesses of the same bytes from different pipes, one of them a write, are a race unless flags or barriers order them; that does not depend on the order
/// in which they happened to run. All functions return an empty text, or what is wrong.
class Queues {
public:
  /// Not `seeded`: as late as possible.
  Queues(const Target &target, bool seeded, uint64_t seed) : target(target), random(seed), seeded(seeded) {}
  /// Before a block on a core of this kind.
  void begin(int core);
  /// The core's own program is at this operation; `views` are copied.
  std::string issue(const cg_ascend_op &op, const cg_ascend_view *views, int32_t id);
  /// Runs what is left; every flag must have been waited for.
  std::string finish();

private:
  struct Waiting {
    const cg_ascend_op *op;
    int32_t id;
    Clock known; // when it was issued
    std::vector<cg_ascend_view> views;
  };
  struct Access {
    uint32_t when;
    const cg_ascend_op *op;
    int space;
    bool write, atomic;
    Runs runs;
  };
  struct Pipe {
    std::deque<Waiting> queue;
    Clock known = {};
    std::vector<Access> accesses; // in order of `when`
    unsigned eagerness = 1;
    size_t limit = 0; // more accesses are not kept without looking for those that can be forgotten
  };
  struct Flag {
    std::deque<Clock> raised;
    const cg_ascend_op *last = nullptr;
    uint32_t waited = 0; // the time of the last wait on its pipe
  };

  bool canRun(const Waiting &waiting);
  std::string run(int pipe);
  std::string step(int pipe, const Waiting &waiting);
  /// Runs operations until `enough()`; says who waits for what if nothing can run any more.
  template <typename Enough> std::string runUntil(Enough enough, const cg_ascend_op *wanted);
  std::string race(int pipe, const cg_ascend_op &op, const cg_ascend_view *views);
  std::string deadlock(const cg_ascend_op *wanted);
  uint64_t next();

  Flag &flagOf(const cg_ascend_op &op, int32_t id) { return flags[{op.attributes[0], op.attributes[1], id}]; }

  const Target &target;
  uint64_t random;
  bool seeded;
  unsigned used = 0; // a bit per pipe of the core, S aside
  Pipe pipes[CG_ASCEND_PIPES];
  std::map<std::array<int32_t, 3>, Flag> flags;
};

/// Which block of a launch touched which byte of global memory: two blocks on one byte, one of them writing, are a race (they run at the same time).
class GlobalAccesses {
public:
  void beginLaunch(int64_t blocks);
  std::string note(const cg_ascend_op &op, const cg_ascend_view *views, int64_t block);

private:
  uint32_t first = 1, next = 1;
};

} // namespace cellgrad::ascend

#endif // CELLGRAD_ASCEND_QUEUES_H
