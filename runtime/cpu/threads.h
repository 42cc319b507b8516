//===- threads.h - the one thread setting of the runtime -------------------===//
#ifndef CELLGRAD_RUNTIME_CPU_THREADS_H
#define CELLGRAD_RUNTIME_CPU_THREADS_H

#include <cstdint>

namespace cellgrad {

/// How many pieces a parallel region may use here: 1 inside a piece.
int availableThreads();

/// Runs body(index) for index in [0, count) on at most `count` threads; on this thread if there is only one.
template <typename Body>
void parallelPieces(int count, Body &&body);

} // namespace cellgrad

#include <omp.h>

template <typename Body>
void cellgrad::parallelPieces(int count, Body &&body) {
  if (count <= 1) {
    if (count == 1)
      body(0);
    return;
  }
#pragma omp parallel for num_threads(count) schedule(static, 1)
  for (int i = 0; i < count; ++i)
    body(i);
}

#endif // CELLGRAD_RUNTIME_CPU_THREADS_H
