//===- execute.cpp - runs the blocks of a launch --------------------------===//
#include "runtime/gpu_sim/execute.h"

#include "runtime/sim_driver/memory.h"

#include <cstdlib>
#include <cstring>
#include <numeric>

namespace cellgrad::sim {

namespace {
constexpr int32_t kWarp = 32, kWarpgroup = 128;

uint64_t mix(uint64_t &state) { // splitmix64 (Steele, Lea, Flood 2014)
  uint64_t z = (state += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

/// The launch that runs; the driver lets one run at a time. Lanes and their stacks are kept for the next.
struct State {
  const Launch *launch = nullptr;
  void **args = nullptr;
  std::unique_ptr<Lane[]> lanes;
  int32_t capacity = 0, threads = 0;
  std::vector<Team> warps, warpgroups;
  std::vector<int32_t> order;
  int32_t atBarrier = 0, barrierOp = 0, finished = 0;
  uint32_t blockNumber = 0, firstBlock = 0, phase = 0;
  char *shared = nullptr;
  size_t sharedCapacity = 0, sharedBytes = 0; // what there is, what the launch has
  std::unique_ptr<Shadow> sharedShadow;
  size_t sharedShadowBytes = 0;
  Fiber alone;
  Fiber *running = nullptr;
  std::string error;
};
State &state() {
  static auto *only = new State;
  return *only;
}

std::string position(const int32_t p[3]) { return "(" + std::to_string(p[0]) + ", " + std::to_string(p[1]) + ", " + std::to_string(p[2]) + ")"; }

Team &teamOf(const Lane &lane, int32_t size) { return size == kWarp ? state().warps[lane.context.warp] : state().warpgroups[lane.index / kWarpgroup]; }
/// True for kernels with mbarriers or products of warpgroups.
bool asynchronous() { return state().launch->info->cooperative & CG_SIM_ASYNCHRONOUS; }

void runLane(void *argument) {
  State &e = state();
  auto &lane = *static_cast<Lane *>(argument);
  e.launch->function(e.args, &lane.context);
  cg_sim_async_commit(&lane.context);
  cg_sim_async_wait(&lane.context, 0);
  if (asynchronous())
    finishAsync(lane);
  lane.wait = Wait::Finished;
  ++e.finished;
}

/// Threads that never wait for each other: all in one fiber, which a fault leaves.
void runInTurn(void *) {
  State &e = state();
  for (int32_t i : e.order) {
    e.launch->function(e.args, &e.lanes[i].context);
    cg_sim_async_commit(&e.lanes[i].context);
    cg_sim_async_wait(&e.lanes[i].context, 0);
  }
  e.finished = e.threads;
}

void shuffle(std::vector<int32_t> &order, uint64_t &state) {
  for (size_t i = order.size(); i > 1; --i)
    std::swap(order[i - 1], order[mix(state) % i]);
}

std::string waitOf(const Lane &lane) { return (lane.wait == Wait::Mbarrier ? describeMbarrier(lane) : std::string(lane.what)) + at(lane.place); }

/// Nobody can go on: says who waits for whom.
std::string deadlock() {
  State &e = state();
  Lane *waiting = nullptr, *other = nullptr;
  for (int32_t i = 0; i < e.threads && !waiting; ++i)
    if (Wait wait = e.lanes[i].wait; wait == Wait::Warp || wait == Wait::Warpgroup || (wait == Wait::Barrier && e.atBarrier))
      waiting = &e.lanes[i];
  for (int32_t i = 0; i < e.threads && !waiting; ++i)
    if (e.lanes[i].wait == Wait::Mbarrier)
      waiting = &e.lanes[i];
  int32_t mates = waiting->wait == Wait::Warp ? kWarp : waiting->wait == Wait::Warpgroup ? kWarpgroup : e.threads;
  bool mbarrier = waiting->wait == Wait::Mbarrier;
  for (int32_t i = 0; i < e.threads && !other; ++i) {
    Lane &lane = e.lanes[i];
    bool same = lane.wait == waiting->wait && (!mbarrier || lane.async.mbarrier == waiting->async.mbarrier);
    if (lane.index / mates == waiting->index / mates && !same && !(mbarrier && lane.wait == Wait::Finished))
      other = &lane;
  }
  std::string text = "thread " + position(waiting->context.thread) + " waits for " + waitOf(*waiting);
  if (mbarrier)
    return text + (other ? "; thread " + position(other->context.thread) + " waits for " + waitOf(*other) : std::string(", and nobody is left to bring it"));
  if (!other)
    return text;
  return text + ", which thread " + position(other->context.thread) + " never reaches: it " + (other->wait == Wait::Finished ? "has ended" : "waits for " + waitOf(*other));
}

/// The threads go on and on: says where one of them waited last.
std::string endless() {
  State &e = state();
  Lane *lane = e.lanes.get(), *end = lane + e.threads;
  while (lane + 1 != end && lane->wait == Wait::Finished)
    ++lane;
  return "thread " + position(lane->context.thread) + " has waited " + std::to_string(e.launch->waits) + " times, at last for " + lane->what + at(lane->place) +
         ": a loop without end (CELLGRAD_GPU_SIM=waits=<number> allows more)";
}

/// False if a fault or a deadlock ended the block.
bool runBlock(uint64_t &random) {
  State &e = state();
  bool cooperative = e.launch->info->cooperative;
  e.atBarrier = e.finished = 0;
  e.phase = 0;
  ++e.blockNumber;
  memset(e.shared, 0xff, e.sharedBytes);
  if (asynchronous())
    beginAsync();
  if (e.launch->seed)
    shuffle(e.order, random);
  if (!cooperative) {
    e.running = &e.alone;
    if (!e.alone.start(runInTurn, nullptr))
      e.error = "no memory for a stack";
    else
      e.alone.resume();
    return e.error.empty();
  }
  for (Team &warp : e.warps)
    warp.arrived = 0, warp.step = 0;
  for (Team &group : e.warpgroups)
    group.arrived = 0;
  for (int32_t i = 0; i < e.threads; ++i) {
    e.lanes[i].wait = Wait::None;
    if (!e.lanes[i].fiber.start(runLane, &e.lanes[i])) {
      e.error = "no memory for the stacks of " + std::to_string(e.threads) + " threads";
      return false;
    }
  }
  for (uint64_t waits = 0; e.finished < e.threads; ++waits) {
    if (waits > e.launch->waits) {
      e.error = endless();
      return false;
    }
    bool progress = false;
    for (int32_t i : e.order) {
      if (e.lanes[i].wait != Wait::None)
        continue;
      progress = true;
      e.running = &e.lanes[i].fiber;
      e.running->resume();
      if (!e.error.empty())
        return false;
    }
    // Bulk copies arrive when nobody can go on without; with a seed, sometimes before.
    if (asynchronous() && (!progress || (e.launch->seed && mix(random) % 4 == 0))) {
      progress |= arriveLate(e.launch->seed ? mix(random) : 0, e.error);
      if (!e.error.empty())
        return false;
    }
    if (!progress) {
      e.error = deadlock();
      return false;
    }
    if (e.launch->seed)
      shuffle(e.order, random);
  }
  if (asynchronous())
    e.error = endAsync();
  return e.error.empty();
}

bool prepare() {
  State &e = state();
  const Launch &launch = *e.launch;
  e.threads = launch.block[0] * launch.block[1] * launch.block[2];
  if (e.threads > e.capacity) {
    e.lanes.reset(new Lane[e.threads]);
    e.capacity = e.threads;
  }
  e.sharedBytes = size_t(launch.info->shared_bytes);
  if (launch.dynamicShared)
    e.sharedBytes = (e.sharedBytes + kSharedAlignment - 1) / kSharedAlignment * kSharedAlignment + size_t(launch.dynamicShared);
  size_t shared = (e.sharedBytes + kSharedAlignment) / kSharedAlignment * kSharedAlignment;
  if (shared > e.sharedCapacity) {
    free(e.shared);
    e.shared = static_cast<char *>(aligned_alloc(kSharedAlignment, shared));
    e.sharedCapacity = e.shared ? shared : 0;
    if (!e.shared)
      return false;
  }
  e.warps.assign((e.threads + kWarp - 1) / kWarp, {});
  e.warpgroups.assign((e.threads + kWarpgroup - 1) / kWarpgroup, {});
  e.order.resize(e.threads);
  std::iota(e.order.begin(), e.order.end(), 0);
  for (int32_t i = 0; i < e.threads; ++i) {
    Lane &lane = e.lanes[i];
    lane.index = i;
    lane.asyncGroup = 0;
    lane.copies.clear();
    cg_sim_thread &c = lane.context;
    c = {};
    c.thread[0] = i % launch.block[0], c.thread[1] = i / launch.block[0] % launch.block[1], c.thread[2] = i / launch.block[0] / launch.block[1];
    memcpy(c.block_dim, launch.block, sizeof c.block_dim);
    memcpy(c.grid_dim, launch.grid, sizeof c.grid_dim);
    c.lane = i % kWarp, c.warp = i / kWarp;
    c.shared = e.shared;
    ++e.warps[i / kWarp].lanes;
    ++e.warpgroups[i / kWarpgroup].lanes;
  }
  return true;
}
} // namespace

std::string run(const Launch &launch, void **args) {
  State &e = state();
  e.launch = &launch, e.args = args;
  e.error.clear();
  if (!prepare())
    return "no memory for a block of the kernel '" + launch.kernel + "'";
  uint64_t blocks = uint64_t(launch.grid[0]) * launch.grid[1] * launch.grid[2], random = launch.seed, step = 1, start = 0;
  if (launch.seed && blocks > 1) { // i -> start + i * step is a permutation if step has no factor in common with the number of blocks
    start = mix(random) % blocks;
    do
      step = mix(random) % blocks;
    while (std::gcd(step, blocks) != 1);
  }
  // Numbers of blocks tell launches apart in the records of races; before they run out, all is forgotten.
  if (blocks > UINT32_MAX - 1)
    return "kernel '" + launch.kernel + "': a grid of more than 2^32 blocks is not simulated";
  if (e.blockNumber > UINT32_MAX - 1 - blocks) {
    forgetRecords();
    e.sharedShadow.reset();
    e.sharedShadowBytes = 0;
    e.blockNumber = 0;
  }
  e.firstBlock = e.blockNumber + 1;
  uint64_t current = start;
  for (uint64_t i = 0; i < blocks; ++i, current = (current + step) % blocks) {
    int32_t block[3] = {int32_t(current % launch.grid[0]), int32_t(current / launch.grid[0] % launch.grid[1]), int32_t(current / launch.grid[0] / launch.grid[1])};
    for (int32_t t = 0; t < e.threads; ++t)
      memcpy(e.lanes[t].context.block, block, sizeof block);
    if (!runBlock(random))
      return "kernel '" + launch.kernel + "', block " + position(block) + ": " + e.error;
  }
  return {};
}

void fault(cg_sim_thread *thread, const char *place, const std::string &text) {
  State &e = state();
  e.error = "thread " + position(thread->thread) + at(place) + ": " + text;
  e.running->suspend();
  abort(); // a fiber with a fault is not resumed
}

bool joinTeam(Lane &lane, int32_t size, int32_t op, const char *what, const char *place, void *exchange) {
  Team &team = teamOf(lane, size);
  if (!team.arrived) {
    team.op = op, team.first = &lane;
  } else if (team.op != op) {
    fault(&lane.context, place, std::string(size == kWarp ? "the warp" : "the warpgroup") + " is divided: this thread is at " + what + ", thread " +
                                    position(team.first->context.thread) + " at " + team.first->what + at(team.first->place));
  }
  lane.what = what, lane.place = place, lane.exchange = exchange;
  if (++team.arrived == team.lanes)
    return true;
  waitHere(lane, size == kWarp ? Wait::Warp : Wait::Warpgroup, what, place);
  return false;
}

Lane *teamLanes(Lane &lane, int32_t size, int32_t &count) {
  count = teamOf(lane, size).lanes;
  return &state().lanes[lane.index / size * size];
}

void leaveTeam(Lane &lane, int32_t size) {
  teamOf(lane, size).arrived = 0;
  int32_t count;
  Lane *lanes = teamLanes(lane, size, count);
  for (int32_t i = 0; i < count; ++i)
    lanes[i].wait = Wait::None;
}

void waitHere(Lane &lane, Wait wait, const char *what, const char *place) {
  lane.wait = wait, lane.what = what, lane.place = place;
  lane.fiber.suspend();
}

Lane *blockLanes(int32_t &count) {
  count = state().threads;
  return state().lanes.get();
}

char *sharedMemory(size_t &bytes) {
  bytes = state().sharedBytes;
  return state().shared;
}

uint32_t nextStep(Lane &lane) { return ++state().warps[lane.context.warp].step; }

uint32_t stepOf(const Lane &lane) { return state().warps[lane.context.warp].step; }
uint32_t stepsBehind(const Lane &lane, int32_t warp) { return std::max(state().phase, lane.async.known[Known::steps(warp)]); }
bool isBehind(const Lane &lane, int32_t warp, uint32_t step) { return step < stepsBehind(lane, warp); }

/// The records of shared memory, and the time of an access of the lane.
static Moment momentOf(const Lane &lane) {
  State &e = state();
  return {e.blockNumber, stepOf(lane), uint32_t(lane.index), e.phase, asynchronous() ? &lane.async.known : nullptr};
}
static Shadow &sharedRecords() {
  State &e = state();
  if (e.sharedShadowBytes < e.sharedBytes)
    e.sharedShadow.reset(new Shadow(e.sharedBytes)), e.sharedShadowBytes = e.sharedBytes;
  return *e.sharedShadow;
}

std::string collides(Lane &lane, const void *address, size_t bytes, bool write) {
  State &e = state();
  return sharedRecords().access(size_t(static_cast<const char *>(address) - e.shared), bytes, momentOf(lane), e.blockNumber, write, /*atomic=*/false, /*note=*/false);
}

} // namespace cellgrad::sim

using namespace cellgrad::sim;

extern "C" void cg_sim_barrier(cg_sim_thread *thread, int32_t op, const char *place) {
  State &e = state();
  Lane &lane = *reinterpret_cast<Lane *>(thread);
  lane.what = "the barrier", lane.place = place;
  if (!e.atBarrier)
    e.barrierOp = op;
  else if (e.barrierOp != op)
    fault(thread, place, "the threads of the block wait at different barriers");
  if (++e.atBarrier < e.threads) {
    waitHere(lane, Wait::Barrier, lane.what, place);
    return;
  }
  e.atBarrier = 0;
  for (const Team &warp : e.warps)
    e.phase = std::max(e.phase, warp.step);
  ++e.phase;
  for (Team &warp : e.warps)
    warp.step = e.phase;
  if (asynchronous())
    meetAsync();
  for (int32_t i = 0; i < e.threads; ++i)
    e.lanes[i].wait = Wait::None;
}

extern "C" void cg_sim_access(cg_sim_thread *thread, const char *place, const void *address, int32_t bytes, int32_t alignment, int32_t kind, int32_t inside) {
  State &e = state();
  Lane &lane = *reinterpret_cast<Lane *>(thread);
  if (!inside)
    fault(thread, place, "an index is out of bounds");
  if (reinterpret_cast<uintptr_t>(address) % uint32_t(alignment))
    fault(thread, place, "the address is not a multiple of " + std::to_string(alignment) + " bytes");
  Moment now = momentOf(lane);
  bool write = kind != CG_SIM_LOAD, atomic = kind == CG_SIM_ATOMIC;
  size_t offset = size_t(static_cast<const char *>(address) - e.shared);
  std::string against;
  if (offset < e.sharedCapacity) {
    if (offset + size_t(bytes) > e.sharedBytes)
      fault(thread, place, "out of bounds of the block's shared memory of " + std::to_string(e.sharedBytes) + " bytes");
    // Shared memory begins anew with each block, so only this block's records count.
    against = sharedRecords().access(offset, size_t(bytes), now, e.blockNumber, write, atomic);
    if (against.empty() && asynchronous())
      against = touchAsync(lane, offset, size_t(bytes), write);
  } else if (e.running->holds(address)) { // the thread's own variables
    return;
  } else {
    std::string wrong = describeFault(address, size_t(bytes));
    if (!wrong.empty())
      fault(thread, place, wrong);
    Allocation &block = *find(address);
    if (!block.records)
      block.records.reset(new Shadow(block.bytes));
    against = static_cast<Shadow *>(block.records.get())->access(size_t(static_cast<const char *>(address) - block.base), size_t(bytes), now, e.firstBlock, write, atomic);
  }
  if (!against.empty())
    fault(thread, place, against);
}
