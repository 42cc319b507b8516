//===- threads.cpp - threads of compiled loops ----------------------------===//
#include "runtime/cpu/cellgrad_cpu.h"
#include "runtime/cpu/threads.h"

#include <algorithm>
#include <atomic>

namespace {
std::atomic<int> setting{0}; // 0: all processors
} // namespace

void cg_set_num_threads(int n) { setting.store(n < 1 ? 0 : n, std::memory_order_relaxed); }

int cg_get_num_threads(void) {
  int n = setting.load(std::memory_order_relaxed);
  return n ? n : std::max(1, omp_get_max_threads());
}

int cellgrad::availableThreads() { return omp_in_parallel() ? 1 : cg_get_num_threads(); }

void cg_parallel_for(void (*body)(void *, int64_t, int64_t), void *context, int64_t begin, int64_t end, int64_t grain) {
  int64_t size = end - begin;
  if (size <= 0)
    return;
  int64_t pieces = std::max<int64_t>(1, size / std::max<int64_t>(grain, 1));
  int64_t threads = std::min<int64_t>(pieces, cellgrad::availableThreads());
  if (threads == 1) {
    body(context, begin, end);
    return;
  }
#pragma omp parallel num_threads(static_cast<int>(threads))
  {
    // The team may be smaller than asked for; every thread takes an equal share of the range.
    int64_t team = omp_get_num_threads(), me = omp_get_thread_num();
    int64_t from = begin + size * me / team, to = begin + size * (me + 1) / team;
    if (from < to)
      body(context, from, to);
  }
}
