//===- execute.h - runs the blocks of a launch ----------------------------===//
#ifndef CELLGRAD_SIM_EXECUTE_H
#define CELLGRAD_SIM_EXECUTE_H

#include "runtime/gpu_sim/fiber.h"
#include "runtime/gpu_sim/gpu_sim.h"
#include "runtime/gpu_sim/races.h"

#include <memory>
#include <string>
#include <vector>

namespace cellgrad::sim {

using KernelFunction = void (*)(void **args, cg_sim_thread *thread);

struct Launch {
  std::string kernel;
  KernelFunction function;
  const cg_sim_kernel *info;
  int32_t grid[3], block[3];
  uint64_t seed; // 0: threads and blocks in order; otherwise in an order that the seed decides
};

enum class Wait { None, Barrier, Warp, Finished };

struct AsyncCopy {
  void *to;
  const void *from;
  int32_t bytes, read, group;
  const char *place;
};

/// One thread of the block that runs. The kernel sees the first member.
struct Lane {
  cg_sim_thread context; // must stay first
  int32_t index;         // in the block
  Wait wait;
  const char *place; // where it waits
  const char *what;  // for what
  void *exchange;    // what the lane gives to the operation of its warp
  int32_t asyncGroup;
  std::vector<AsyncCopy> copies;
  Fiber fiber;
};

/// What the lanes of a warp do together.
struct Warp {
  int32_t lanes, arrived, op;
  Lane *first; // that arrived
};

/// Runs the launch; an empty text, or what is wrong with the kernel.
std::string run(const Launch &launch, void **args);

/// Inside of a kernel: ends the launch with this text.
[[noreturn]] void fault(cg_sim_thread *thread, const char *place, const std::string &text);
/// Inside of a kernel: waits until all lanes of the warp are at this operation with their `exchange`. The last to come gets true, does the work
/// for all and goes on; the others get false when it is done. `lanes` are those of the warp.
template <typename Work> void together(cg_sim_thread *thread, int32_t op, const char *what, const char *place, void *exchange, Work work);

/// Implementation of `together`.
bool joinWarp(Lane &lane, int32_t op, const char *what, const char *place, void *exchange);
void leaveWarp(Lane &lane);
/// The lanes of the thread's warp; `count` says how many.
Lane *warpLanes(Lane &lane, int32_t &count);

template <typename Work> void together(cg_sim_thread *thread, int32_t op, const char *what, const char *place, void *exchange, Work work) {
  Lane &lane = *reinterpret_cast<Lane *>(thread);
  if (!joinWarp(lane, op, what, place, exchange))
    return;
  int32_t count;
  Lane *lanes = warpLanes(lane, count);
  work(lanes, count);
  leaveWarp(lane);
}

} // namespace cellgrad::sim

#endif // CELLGRAD_SIM_EXECUTE_H
