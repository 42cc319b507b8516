//===- calls.cpp - running programs, and replaying them as CUDA graphs -----===//
// A program that never reads device memory back does the same at every call but for the addresses it is given: of its arguments and of its scratch
// memory. So a call with addresses that were seen before can be replayed as a graph. The first run shows whether the program reads back; a second
// call with the same addresses is captured (on a stream of its own, so that work of other threads stays out), later ones are replayed. Few graphs
// are kept per program, the one not used for the longest time goes first.
#include "runtime/cpu/cellgrad_cpu.h"
#include "runtime/gpu/gpu.h"

#include <cstdlib>
#include <cstring>

using namespace cellgrad::gpu;

namespace {
constexpr size_t kGraphs = 8, kSeen = 16;
constexpr int64_t kManyCaptures = 64;
constexpr int64_t kLeastLaunches = 2; // a graph of one kernel gains nothing

struct Graph {
  uint64_t hash, used;
  std::vector<void *> key; // arguments and scratch memory
  int device;
  CUgraphExec exec;
  const char *lastKernel;
  int64_t launches;
};

bool wanted(const Device &device) {
  const char *text = getenv("CELLGRAD_GPU_GRAPHS");
  return device.driver->graphs && !(text && !strcmp(text, "0"));
}

uint64_t hashOf(int device, void *const *args, int64_t count, void *arena) {
  uint64_t h = uint64_t(device) * 0x9e3779b97f4a7c15ull ^ uint64_t(reinterpret_cast<uintptr_t>(arena));
  for (int64_t i = 0; i < count; ++i) {
    h = (h ^ uint64_t(reinterpret_cast<uintptr_t>(args[i]))) * 0x9e3779b97f4a7c15ull;
    h ^= h >> 29;
  }
  return h;
}
} // namespace

struct cg_gpu_calls {
  std::atomic<bool> busy{false}; // a call that comes while another one runs goes without graphs
  // Read without `busy`, written with it.
  std::atomic<bool> known{false}, possible{true};
  std::atomic<int64_t> launches{0}, captures{0}, replays{0};
  std::vector<Graph> graphs;
  uint64_t seen[kSeen] = {}, numSeen = 0, clock = 0;

  Graph *find(int device, uint64_t hash, void *const *args, int64_t count, void *arena) {
    for (Graph &g : graphs)
      if (g.hash == hash && g.device == device && g.key.back() == arena && !memcmp(g.key.data(), args, sizeof(void *) * size_t(count)))
        return &g;
    return nullptr;
  }
  bool sawBefore(uint64_t hash) {
    for (uint64_t h : seen)
      if (h == hash)
        return true;
    seen[numSeen++ % kSeen] = hash;
    return false;
  }
  void drop(size_t i) {
    if (Device *device = openDevice(graphs[i].device)) {
      device->driver->cuStreamSynchronize(device->stream); // it may be running
      device->driver->cuGraphExecDestroy(graphs[i].exec);
    }
    graphs.erase(graphs.begin() + long(i));
  }
};

namespace {
using Entry = void (*)(void **, void *);

void runPlainly(Device &device, Entry entry, void **args, void *arena, Running &what) {
  Running before = running;
  running = {};
  running.device = &device;
  running.stream = device.stream;
  entry(args, arena);
  what = running;
  running = before;
}

/// The program as a graph, or null: it cannot be captured.
Graph *capture(Device &device, cg_gpu_calls &calls, Entry entry, void **args, int64_t count, void *arena, uint64_t hash) {
  CUstream stream;
  if (device.driver->cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING))
    return nullptr;
  CUgraph graph = nullptr;
  CUgraphExec exec = nullptr;
  Running before = running;
  CUresult error = device.driver->cuStreamBeginCapture_v2(stream, CU_STREAM_CAPTURE_MODE_RELAXED);
  Running what = {};
  if (!error) {
    running = {};
    running.device = &device;
    running.stream = stream;
    entry(args, arena);
    what = running;
    running = before;
    error = device.driver->cuStreamEndCapture(stream, &graph);
    // A failure while capturing concerns the capture: the plain run that follows tells the program's own.
    const char *text;
    if (cg_take_failure(&text) != CG_FAILURE_NONE || what.waits)
      error = CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
  }
  if (!error)
    error = device.driver->cuGraphInstantiateWithFlags(&exec, graph, 0);
  if (graph)
    device.driver->cuGraphDestroy(graph);
  device.driver->cuStreamDestroy_v2(stream);
  if (error)
    return nullptr;
  if (calls.graphs.size() >= kGraphs) {
    size_t oldest = 0;
    for (size_t i = 1; i < calls.graphs.size(); ++i)
      if (calls.graphs[i].used < calls.graphs[oldest].used)
        oldest = i;
    calls.drop(oldest);
  }
  std::vector<void *> key(args, args + count);
  key.push_back(arena);
  calls.graphs.push_back({hash, 0, std::move(key), device.number, exec, what.lastKernel, what.launches});
  ++calls.captures;
  return &calls.graphs.back();
}

int runOrReplay(Device &device, cg_gpu_calls &calls, Entry entry, void **args, int64_t count, void *arena) {
  Running what;
  if (!calls.known) {
    runPlainly(device, entry, args, arena, what);
    calls.launches += what.launches;
    // A run that failed may have ended before its first wait: the next one tells.
    calls.possible = what.fixed && !what.waits && what.launches >= kLeastLaunches;
    calls.known = !cg_has_failed();
    return CG_GPU_OK;
  }
  uint64_t hash = hashOf(device.number, args, count, arena);
  Graph *graph = calls.find(device.number, hash, args, count, arena);
  if (!graph && calls.sawBefore(hash)) {
    graph = capture(device, calls, entry, args, count, arena, hash);
    // Memory that comes back only now and then would cost more captures than it saves launches.
    calls.possible = graph && (calls.captures < kManyCaptures || calls.replays > 4 * calls.captures);
  }
  if (!graph) {
    runPlainly(device, entry, args, arena, what);
    calls.launches += what.launches;
    return CG_GPU_OK;
  }
  graph->used = ++calls.clock;
  if (CUresult error = device.driver->cuGraphLaunch(graph->exec, device.stream))
    return failed(device, "replaying a program", error);
  device.note(graph->lastKernel, int(graph->launches) - 1);
  ++calls.replays;
  return CG_GPU_OK;
}
} // namespace

cg_gpu_calls *cg_gpu_calls_create(void) { return new cg_gpu_calls(); }

void cg_gpu_calls_destroy(cg_gpu_calls *calls) {
  while (calls && !calls->graphs.empty()) {
    Device *device = openDevice(calls->graphs.back().device);
    Within within(*device);
    calls->drop(calls->graphs.size() - 1);
  }
  delete calls;
}

void cg_gpu_calls_stats(const cg_gpu_calls *calls, cg_gpu_call_stats *out) { *out = {calls->launches, calls->captures, calls->replays}; }

int cg_gpu_run(int number, cg_gpu_calls *calls, void (*entry)(void **args, void *arena), void **args, int64_t count, int64_t arena_bytes) {
  Device *device = openDevice(number);
  if (!device)
    return CG_GPU_FAILED;
  Within within(*device);
  void *arena = nullptr;
  if (arena_bytes > 0)
    if (int error = allocate(*device, arena_bytes, &arena))
      return error;
  int result = CG_GPU_OK;
  if (calls && (!calls->known || calls->possible) && wanted(*device) && !calls->busy.exchange(true)) {
    result = runOrReplay(*device, *calls, entry, args, count, arena);
    calls->busy.store(false);
  } else {
    Running what;
    runPlainly(*device, entry, args, arena, what);
    if (calls)
      calls->launches += what.launches;
  }
  // Work that comes later may have the scratch memory: it runs after this program's.
  if (arena)
    release(*device, arena);
  return result;
}
