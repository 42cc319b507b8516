//===- cycles.cpp - the model of time ----------------------------------------===//
//
// A pipe does one operation at a time, in order; it starts when the pipe is free, the scalar unit has issued it and the flag that it waits for is up. A
// transfer from global memory keeps its pipe busy for its bytes only; its latency passes before flags behind it are up. What a launch touches first comes
// from the memory itself, what it touches again from L2 (if all fits there); both rates are of a group of one cube core and its vector cores, and are shared
// by those that work. The share of first touches is taken over the whole launch. A general core does one scalar operation or access after the other.
//
//===----------------------------------------------------------------------===//
#include "runtime/ascend_sim/cycles.h"

#include <algorithm>
#include <deque>

namespace cellgrad::ascend {

namespace {
constexpr int64_t kLine = 128;  // bytes of a line, for what was touched
constexpr size_t kMostSpans = 200000;

int64_t divideUp(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// Runs of `unit` bytes, each row for itself.
int64_t units(const Operand &operand, int64_t unit) {
  Runs runs(operand);
  int64_t count = divideUp(runs.bytes, unit);
  for (int d = 0; d < runs.rank; ++d)
    count *= runs.count[d];
  return count;
}
int64_t bytesOf(const Operand &operand) { return operand.elements() * elementBytes(operand.info->type); }
} // namespace

const char *pathName(int path) {
  static const char *const names[] = {"gm->ub", "gm->l1", "ub->gm", "l0c->gm", "l1->l0a", "l1->l0b", "l1->bt", "ub->ub"};
  return names[path];
}

Cost costOf(const Target &t, const cg_ascend_op &op, const cg_ascend_view *views) {
  Cost cost;
  if (op.op >= CG_ASCEND_SET_FLAG) {
    cost.cycles = op.op == CG_ASCEND_SET_FLAG ? 0 : t.barrier_cycles;
    return cost;
  }
  int64_t last = op.operands - 1;
  Operand source = operandOf(op, views, 0), out = operandOf(op, views, last);
  auto through = [&](int path, const Operand &global, const Operand &local, int64_t rate) {
    cost.path = path;
    cost.bytes = bytesOf(global);
    cost.moved = units(global, t.block_bytes) * t.block_bytes;
    cost.cycles = t.gm_overhead + divideUp(units(local, t.block_bytes) * t.block_bytes, rate);
  };
  auto inside = [&](int path, int64_t rate) {
    cost.path = path;
    cost.bytes = bytesOf(out);
    cost.cycles = t.l1_l0_startup + divideUp(cost.bytes, rate);
  };
  switch (op.op) {
  case CG_ASCEND_LOAD:
  case CG_ASCEND_ND2NZ:
    through(out.info->space == CG_ASCEND_UB ? kGmUb : kGmL1, source, out, out.info->space == CG_ASCEND_UB ? t.ub_rate : t.gm_rate);
    cost.latency = t.gm_read_latency, cost.reads = true;
    return cost;
  case CG_ASCEND_STORE:
    through(kUbGm, out, source, t.ub_rate);
    cost.latency = t.gm_write_latency;
    return cost;
  case CG_ASCEND_FIXPIPE:
    through(kL0cGm, out, source, t.l0c_rate);
    cost.latency = t.gm_write_latency;
    return cost;
  case CG_ASCEND_SCALAR_LOAD: cost.cycles = t.gm_read_latency; return cost;
  case CG_ASCEND_L1_TO_L0A: inside(kL1L0a, t.l1_l0a_rate); return cost;
  case CG_ASCEND_L1_TO_L0B: inside(kL1L0b, t.l1_l0b_rate); return cost;
  case CG_ASCEND_L1_TO_BT: inside(kL1Bt, t.l1_l0b_rate); return cost;
  case CG_ASCEND_MMAD: {
    int64_t bytes = elementBytes(source.info->type), perCycle = bytes == 1 ? t.cube_k_i8 : bytes == 2 ? t.cube_k_f16 : t.cube_k_f32;
    const int64_t *a = source.view->sizes, *c = out.view->sizes;
    cost.cycles = t.mmad_startup + a[0] * c[0] * divideUp(a[1] * a[3], perCycle);
    return cost;
  }
  case CG_ASCEND_COPY: cost.path = kUbUb, cost.bytes = bytesOf(out); break;
  default: break;
  }
  // The vector unit: whole repeats, each row for itself, of the largest operand.
  int64_t repeats = units(out, t.vector_bytes), width = elementBytes(out.info->type);
  for (int64_t i = 0; i < last; ++i) {
    Operand in = operandOf(op, views, i);
    if (!in.scalar() && !(op.op == CG_ASCEND_VGATHER && i == 0))
      repeats = std::max(repeats, units(in, t.vector_bytes)), width = std::max(width, elementBytes(in.info->type));
  }
  bool hard = (op.op == CG_ASCEND_VUN && op.kind <= CG_ASCEND_REC) || (op.op == CG_ASCEND_VBIN && op.kind == CG_ASCEND_DIV);
  bool rearranges = op.op == CG_ASCEND_VTRANSPOSE || op.op == CG_ASCEND_VGATHER;
  if (op.op == CG_ASCEND_VREDUCE && source.info->rank && out.view->sizes[out.info->rank - 1] == 1 && source.view->sizes[source.info->rank - 1] != 1) {
    cost.cycles = t.reduce_startup + repeats * t.reduce_repeat;
    return cost;
  }
  int64_t rate = rearranges ? t.vector_rate_hard_f16 : !hard ? t.vector_rate : width == 2 ? t.vector_rate_hard_f16 : t.vector_rate_hard_f32;
  cost.cycles = t.vector_startup + (hard || rearranges ? t.vector_delay_hard : t.vector_delay) + divideUp(repeats * t.vector_bytes, rate);
  return cost;
}

void CycleModel::touch(const Operand &operand, bool reads) {
  auto &pages = lines[reads];
  Runs runs(operand);
  if (!runs.bytes)
    return;
  runs.each([&](char *at) {
    auto begin = reinterpret_cast<uintptr_t>(at) / kLine, end = (reinterpret_cast<uintptr_t>(at) + size_t(runs.bytes) - 1) / kLine;
    for (uintptr_t line = begin; line <= end; ++line) {
      uint64_t &page = pages[line / 64], bit = uint64_t(1) << line % 64;
      if (!(page & bit))
        page |= bit, uniqueBytes[reads] += kLine;
    }
  });
}

void CycleModel::add(const cg_ascend_op &op, const cg_ascend_view *views, int32_t id) {
  Event event = {&op, id, costOf(target, op, views)};
  const Cost &cost = event.cost;
  if (cost.path >= 0)
    times.bytes[cost.path] += cost.bytes;
  if (cost.moved) {
    movedBytes[cost.reads] += cost.moved;
    touch(operandOf(op, views, cost.reads ? 0 : op.operands - 1), cost.reads);
  }
  blocks.back().push_back(event);
}

int64_t CycleModel::busyCycles(const Event &event) const {
  const Cost &cost = event.cost;
  if (!cost.moved)
    return cost.cycles;
  double memory = double(target.gm_overhead) + double(cost.moved) * std::max(1.0 / double(target.gm_rate), cyclesPerByte[cost.reads]);
  return std::max(cost.cycles, int64_t(memory + 0.5));
}

BlockTimes CycleModel::run(const std::vector<Event> &events) {
  BlockTimes result;
  struct Queued {
    const Event *event;
    int64_t issued;
  };
  struct Pipe {
    std::deque<Queued> queue;
    std::vector<int64_t> starts; // of all its operations so far
    size_t issued = 0;
    int64_t free = 0, done = 0;
  } pipes[CG_ASCEND_PIPES];
  std::unordered_map<int64_t, std::deque<int64_t>> flags; // when each was raised
  auto flagOf = [&](const Event &e) -> std::deque<int64_t> & { return flags[(int64_t(e.op->attributes[0]) * CG_ASCEND_PIPES + e.op->attributes[1]) << 32 | uint32_t(e.id)]; };
  /// Runs an operation on its pipe unless it waits for a flag.
  auto step = [&](int p, const Event &event, int64_t issued) {
    Pipe &pipe = pipes[p];
    int64_t start = std::max(pipe.free, issued);
    if (event.op->op == CG_ASCEND_WAIT_FLAG) {
      auto &raised = flagOf(event);
      if (raised.empty())
        return false;
      start = std::max(start, raised.front());
      raised.pop_front();
    } else if (event.op->op == CG_ASCEND_BARRIER) {
      start = std::max(start, pipe.done);
    }
    int64_t busy = busyCycles(event), end = start + busy;
    pipe.starts.push_back(start);
    pipe.free = end;
    if (event.op->op == CG_ASCEND_SET_FLAG) {
      flagOf(event).push_back(std::max(end, pipe.done));
      return true;
    }
    pipe.done = std::max(pipe.done, end + event.cost.latency);
    if (event.op->op < CG_ASCEND_SET_FLAG) {
      result.busy[p] += busy;
      if (trace && busy)
        result.spans[p].push_back({event.op, start, end});
    }
    return true;
  };
  size_t next = 0;
  Pipe &scalar = pipes[CG_ASCEND_S];
  for (bool progress = true; progress;) {
    progress = false;
    for (; next < events.size(); ++next, progress = true) {
      const Event &event = events[next];
      int p = event.op->pipe;
      if (p == CG_ASCEND_S) {
        if (!step(p, event, scalar.free))
          break;
        scalar.free = std::max(scalar.free, scalar.done);
        continue;
      }
      if (p == CG_ASCEND_ALL) { // a barrier of all pipes
        bool empty = true;
        for (Pipe &pipe : pipes)
          empty &= pipe.queue.empty();
        if (!empty)
          break;
        for (Pipe &pipe : pipes)
          scalar.free = std::max({scalar.free, pipe.free, pipe.done});
        scalar.free += event.cost.cycles;
        continue;
      }
      Pipe &pipe = pipes[p];
      if (pipe.issued >= size_t(target.queue_depth)) {
        if (pipe.starts.size() <= pipe.issued - size_t(target.queue_depth))
          break; // the queue is full
        scalar.free = std::max(scalar.free, pipe.starts[pipe.issued - size_t(target.queue_depth)]);
      }
      scalar.free += target.issue_cycles;
      ++pipe.issued;
      pipe.queue.push_back({&event, scalar.free});
    }
    for (int p = 0; p < CG_ASCEND_PIPES; ++p)
      for (auto &queue = pipes[p].queue; !queue.empty() && step(p, *queue.front().event, queue.front().issued); queue.pop_front())
        progress = true;
  }
  for (const Pipe &pipe : pipes) {
    result.cycles = std::max({result.cycles, pipe.free, pipe.done});
    if (!pipe.queue.empty() || next < events.size())
      times.wrong = "it never ends: an operation waits for a flag that nothing sets; CELLGRAD_ASCEND_SIM=checked says which";
  }
  return result;
}

const LaunchTimes &CycleModel::finish(int64_t count) {
  int64_t all = core == CG_ASCEND_AIC ? target.aic_cores : core == CG_ASCEND_AIV ? target.aiv_cores : target.aicpu_cores;
  times.blocks = count;
  times.cores = std::min(all, times.blocks);
  if (core == CG_ASCEND_AICPU) { // the scalar unit is all there is
    std::vector<int64_t> ends(size_t(std::max<int64_t>(times.cores, 1)));
    for (size_t b = 0; b < general.size(); ++b)
      ends[b % ends.size()] += general[b];
    times.cycles = times.busy[CG_ASCEND_S] = *std::max_element(ends.begin(), ends.end());
    return times;
  }
  // Cores of a group that share its way to the memory: the first of each group are taken first.
  double sharing = core == CG_ASCEND_AIV ? double(divideUp(times.cores, std::max<int64_t>(target.aic_cores, 1))) : 1;
  bool fits = uniqueBytes[0] + uniqueBytes[1] <= target.l2_bytes;
  for (int reads = 0; reads < 2; ++reads) {
    double fresh = !fits || !movedBytes[reads] ? 1 : std::min(1.0, double(uniqueBytes[reads]) / double(movedBytes[reads]));
    double memory = double(reads ? target.hbm_read_rate : target.hbm_write_rate), cache = double(reads ? target.l2_read_rate : target.l2_write_rate);
    cyclesPerByte[reads] = sharing * (fresh / memory + (1 - fresh) / cache);
  }
  std::vector<int64_t> ends(size_t(times.cores)), busy(size_t(times.cores) * CG_ASCEND_PIPES);
  size_t spans = 0;
  for (size_t b = 0; b < blocks.size(); ++b) {
    size_t on = b % size_t(times.cores);
    BlockTimes block = run(blocks[b]);
    for (int p = 0; trace && p < CG_ASCEND_PIPES; ++p) {
      if (on >= traced.size())
        traced.resize(on + 1);
      traced[on].core = int64_t(on);
      for (const Span &span : block.spans[p])
        if (++spans <= kMostSpans)
          traced[on].spans[p].push_back({span.op, span.start + ends[on], span.end + ends[on]});
    }
    ends[on] += block.cycles;
    for (int p = 0; p < CG_ASCEND_PIPES; ++p)
      busy[on * CG_ASCEND_PIPES + size_t(p)] += block.busy[p];
    blocks[b] = {};
  }
  size_t slowest = size_t(std::max_element(ends.begin(), ends.end()) - ends.begin());
  times.cycles = ends.empty() ? 0 : ends[slowest];
  for (int p = 0; p < CG_ASCEND_PIPES && !ends.empty(); ++p)
    times.busy[p] = busy[slowest * CG_ASCEND_PIPES + size_t(p)];
  return times;
}

} // namespace cellgrad::ascend
