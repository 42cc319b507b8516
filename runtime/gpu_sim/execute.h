//===- execute.h - runs the blocks of a launch ----------------------------===//
#ifndef CELLGRAD_SIM_EXECUTE_H
#define CELLGRAD_SIM_EXECUTE_H

#include "runtime/gpu_sim/fiber.h"
#include "runtime/gpu_sim/gpu_sim.h"
#include "runtime/gpu_sim/hopper.h"
#include "runtime/gpu_sim/races.h"

#include <memory>
#include <string>
#include <vector>

namespace cellgrad::sim {

/// For messages: nothing where the place is not known.
inline std::string at(const char *place) { return place ? std::string(" at ") + place : std::string(); }

/// Shared memory begins, and dynamic shared memory follows the static one, at a multiple of so many bytes.
constexpr size_t kSharedAlignment = 1024;

using KernelFunction = void (*)(void **args, cg_sim_thread *thread);

struct Launch {
  std::string kernel;
  KernelFunction function;
  const cg_sim_kernel *info;
  int32_t grid[3], block[3];
  int32_t dynamicShared;
  uint64_t seed;  // 0: threads and blocks in order; otherwise in an order that the seed decides
  uint64_t waits; // threads that wait for each other more often than this do so without end
};

enum class Wait { None, Barrier, Warp, Warpgroup, Mbarrier, Finished };

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
  AsyncLane async;
  Fiber fiber;
};

/// What the lanes of a warp, or of a warpgroup, do together.
struct Team {
  int32_t lanes, arrived, op;
  Lane *first;   // that arrived
  uint32_t step; // of a warp: the time of its accesses, see Moment
};

/// Runs the launch; an empty text, or what is wrong with the kernel.
std::string run(const Launch &launch, void **args);

/// Inside of a kernel: ends the launch with this text.
[[noreturn]] void fault(cg_sim_thread *thread, const char *place, const std::string &text);
/// Inside of a kernel: waits until all lanes of the team of `size` (32: warp, 128: warpgroup) are at this operation with their `exchange`. The last to
/// come gets true, does the work for all and goes on; the others get false when it is done. `lanes` are those of the team.
template <typename Work>
void together(cg_sim_thread *thread, int32_t op, const char *what, const char *place, void *exchange, Work work, int32_t size = 32);

/// Implementation of `together`.
bool joinTeam(Lane &lane, int32_t size, int32_t op, const char *what, const char *place, void *exchange);
void leaveTeam(Lane &lane, int32_t size);
/// The lanes of the thread's team; `count` says how many.
Lane *teamLanes(Lane &lane, int32_t size, int32_t &count);

template <typename Work> void together(cg_sim_thread *thread, int32_t op, const char *what, const char *place, void *exchange, Work work, int32_t size) {
  Lane &lane = *reinterpret_cast<Lane *>(thread);
  if (!joinTeam(lane, size, op, what, place, exchange))
    return;
  int32_t count;
  Lane *lanes = teamLanes(lane, size, count);
  work(lanes, count);
  leaveTeam(lane, size);
}

/// Inside of a kernel: waits until somebody sets `lane.wait` to None.
void waitHere(Lane &lane, Wait wait, const char *what, const char *place);
/// The lanes, and the shared memory, of the block that runs.
Lane *blockLanes(int32_t &count);
char *sharedMemory(size_t &bytes);
/// The lane's warp begins a new step: accesses before it have smaller numbers.
uint32_t nextStep(Lane &lane);
/// The step of the lane's warp now. True if all that warp `warp` did in its step `step` lies behind the lane.
uint32_t stepOf(const Lane &lane);
bool isBehind(const Lane &lane, int32_t warp, uint32_t step);
/// The first step of warp `warp` that does not lie behind the lane.
uint32_t stepsBehind(const Lane &lane, int32_t warp);
/// Empty, or which access of these bytes of shared memory is not ordered with one that this thread causes. Nothing is noted.
std::string collides(Lane &lane, const void *address, size_t bytes, bool write);

} // namespace cellgrad::sim

#endif // CELLGRAD_SIM_EXECUTE_H
