//===- machine.cpp - launches on the simulated accelerator -------------------===//
#include "runtime/ascend_sim/machine.h"

#include "runtime/sim_driver/memory.h"
#include "runtime/sim_driver/settings.h"

#include <csetjmp>
#include <cstring>

namespace cellgrad::ascend {

namespace {
/// The block that runs. The kernel sees the first member.
struct Block {
  cg_ascend_core context; // must stay first
  const Target *target;
  Memories *memories;
  Queues *queues;     // null: operations run at once
  CycleModel *cycles; // or null
  GlobalAccesses *global;
  std::string error;
  jmp_buf out; // behind the kernel

  void issue(const cg_ascend_op &op, const cg_ascend_view *views) {
    bool sync = op.op >= CG_ASCEND_SET_FLAG;
    int32_t id = sync && op.operands ? int32_t(reinterpret_cast<uintptr_t>(views[0].data)) : 0;
    std::string wrong;
    if (sync && op.operands && (id < 0 || id >= target->event_ids))
      wrong = "there is no flag " + std::to_string(id) + ": a pair of pipes has " + std::to_string(target->event_ids);
    if (!sync)
      wrong = check(*target, *memories, op, views);
    if (queues && wrong.empty() && !sync)
      wrong = global->note(op, views, context.block_idx);
    if (wrong.empty() && !queues && !sync)
      wrong = execute(op, views);
    if (!wrong.empty()) {
      error = (op.place ? std::string(op.place) + ": " : std::string()) + wrong;
      return;
    }
    if (cycles)
      cycles->add(op, views, id);
    if (queues)
      error = queues->issue(op, views, id);
  }
};

/// Memories are kept from launch to launch of a target.
struct State {
  std::unique_ptr<Memories> memories;
  GlobalAccesses global;
};
State &state() {
  static auto *only = new State;
  return *only;
}
bool sameSpaces(const Target &a, const Memories &b) {
  for (int s = CG_ASCEND_L1; s < CG_ASCEND_SPACES; ++s)
    if (a.bytes(s) != b.bytes(s))
      return false;
  return true;
}
/// Runs a block of a kernel, which ends early if an operation fails: what it would read then is not there to go on with.
void runBlock(Block &block, KernelFunction function, void **args) {
  if (!setjmp(block.out))
    function(args, &block.context);
}
} // namespace

const Settings &settings() {
  static const Settings values = [] {
    Settings s;
    s.wrong = sim::readSettings("CELLGRAD_ASCEND_SIM", "'checked', 'seed=<number>', 'cycles' and 'trace=<file>'", [&](std::string_view word) {
      if (sim::readNumber(word, "seed=", s.seed))
        return s.checked = s.seeded = true;
      if (word == "checked")
        return s.checked = true;
      bool trace = word.substr(0, 6) == "trace=" && word.size() > 6;
      if (trace)
        s.trace = word.substr(6);
      s.cycles |= trace || word == "cycles";
      return trace || word == "cycles";
    });
    return s;
  }();
  return values;
}

std::string run(const Launch &launch, void **args) {
  State &s = state();
  const Target &target = *launch.target;
  const cg_ascend_kernel &info = *launch.info;
  std::string in = "kernel '" + launch.kernel + "'";
  for (int32_t i = 0; i < info.count; ++i) {
    if (!info.buffer_bytes[i])
      continue;
    void *pointer;
    memcpy(&pointer, args[i], sizeof pointer);
    std::string wrong = sim::describeFault(pointer, size_t(info.buffer_bytes[i]));
    if (!wrong.empty())
      return in + ": argument " + std::to_string(i) + ", a buffer of " + std::to_string(info.buffer_bytes[i]) + " bytes: " + wrong;
  }
  if (!s.memories || !sameSpaces(target, *s.memories))
    s.memories = std::make_unique<Memories>(target);
  bool checked = settings().checked && info.core != CG_ASCEND_AICPU;
  Queues queues(target, settings().seeded, settings().seed);
  CycleModel model(target, launch.kernel, info.core, tracing());
  s.global.beginLaunch(launch.blocks);
  Block block = {{}, &target, s.memories.get(), checked ? &queues : nullptr, profiling() && info.core != CG_ASCEND_AICPU ? &model : nullptr, &s.global, {}, {}};
  block.context.block_num = launch.blocks;
  for (int space = CG_ASCEND_L1; space < CG_ASCEND_SPACES; ++space)
    block.context.space[space] = s.memories->base(space);
  for (int64_t b = 0; b < launch.blocks; ++b) {
    block.context.block_idx = b;
    block.context.operations = block.context.accesses = 0;
    if (info.core != CG_ASCEND_AICPU)
      s.memories->clear();
    if (checked)
      queues.begin(info.core);
    if (block.cycles)
      model.beginBlock();
    runBlock(block, launch.function, args);
    if (info.core == CG_ASCEND_AICPU && profiling())
      model.addGeneral(block.context.operations, block.context.accesses);
    if (checked && block.error.empty())
      block.error = queues.finish();
    if (!block.error.empty())
      return in + ", block " + std::to_string(b) + ": " + block.error;
  }
  if (profiling()) {
    const LaunchTimes &times = model.finish(launch.blocks);
    if (!times.wrong.empty())
      return in + ": " + times.wrong;
    record(times, target, model.coreSpans());
  }
  return {};
}

} // namespace cellgrad::ascend

using namespace cellgrad::ascend;

extern "C" void cg_ascend_issue(cg_ascend_core *core, const cg_ascend_op *op, const cg_ascend_view *views) {
  auto &block = *reinterpret_cast<Block *>(core);
  block.issue(*op, views);
  if (!block.error.empty())
    longjmp(block.out, 1); // nothing between here and runBlock has to be destroyed: a kernel is plain code
}

extern "C" int64_t cg_ascend_scalar_load(cg_ascend_core *core, const cg_ascend_op *op, const cg_ascend_view *view) {
  cg_ascend_issue(core, op, view);
  int64_t bits = 0;
  memcpy(&bits, view->data, size_t(elementBytes(op->operand[0].type)));
  return bits;
}
