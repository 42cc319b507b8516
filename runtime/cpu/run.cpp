//===- run.cpp - programs that can stop before their end ------------------===//
#include "runtime/cpu/run.h"

#include "runtime/cpu/cellgrad_cpu.h"

#include <cstdio>
#include <cstdlib>

namespace {
struct Failure {
  int kind = CG_FAILURE_NONE;
  const char *text = "";
};
thread_local Failure failure;
} // namespace

thread_local cellgrad::Run *cellgrad::currentRun = nullptr;

void cg_run(void (*body)(void **, void *), void **args, void *arena) {
  cellgrad::Run run;
  run.outer = cellgrad::currentRun;
  cellgrad::currentRun = &run;
  // Compiled code has nothing to clean up, so a jump over its frames is enough to stop it.
  if (!_setjmp(run.back))
    body(args, arena);
  cellgrad::currentRun = run.outer;
  cellgrad::freeTapes(run);
}

int cg_has_failed(void) { return failure.kind != CG_FAILURE_NONE; }

int cg_take_failure(const char **text) {
  Failure taken = failure;
  failure = {};
  *text = taken.text;
  return taken.kind;
}

void cg_fail(int kind, const char *text) {
  failure = {kind, text};
  if (cellgrad::currentRun)
    _longjmp(cellgrad::currentRun->back, 1);
  std::fprintf(stderr, "cellgrad: %s, outside of a program\n", text);
  std::abort();
}
