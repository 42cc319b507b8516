//===- run.h - the running program of a thread ----------------------------===//
#ifndef CELLGRAD_RUNTIME_CPU_RUN_H
#define CELLGRAD_RUNTIME_CPU_RUN_H

#include <csetjmp>

namespace cellgrad {

struct Tape;

/// A program that runs inside cg_run. Programs nest where a print handler runs another one.
struct Run {
  std::jmp_buf back;
  Tape *tapes = nullptr; // those that were not freed
  Run *outer = nullptr;
};
extern thread_local Run *currentRun;

/// Gives the memory of a program's tapes back to the thread's pool.
void freeTapes(Run &run);

} // namespace cellgrad

#endif // CELLGRAD_RUNTIME_CPU_RUN_H
