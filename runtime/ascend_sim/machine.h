//===- machine.h - launches on the simulated accelerator ---------------------===//
#ifndef CELLGRAD_ASCEND_MACHINE_H
#define CELLGRAD_ASCEND_MACHINE_H

#include "runtime/ascend_sim/cycles.h"
#include "runtime/ascend_sim/queues.h"

namespace cellgrad::ascend {

/// Environment CELLGRAD_ASCEND_SIM.
struct Settings {
  bool checked = false, seeded = false, cycles = false;
  uint64_t seed = 0;
  std::string trace; // file, written when the process ends
  std::string wrong; // a word that means nothing
};
const Settings &settings();

using KernelFunction = void (*)(void **args, cg_ascend_core *core);

struct Launch {
  std::string kernel;
  KernelFunction function;
  const cg_ascend_kernel *info;
  const Target *target;
  int64_t blocks;
};
/// Runs the blocks one after the other; an empty text, or what is wrong.
std::string run(const Launch &launch, void **args);

/// What the profile has of launches since it was started (profile.cpp).
bool profiling();
bool tracing();
void record(const LaunchTimes &times, const Target &target, const std::vector<CycleModel::CoreSpans> &spans);

} // namespace cellgrad::ascend

#endif // CELLGRAD_ASCEND_MACHINE_H
