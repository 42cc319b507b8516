//===- queues.cpp - pipes that run side by side -------------------------------===//
#include "runtime/ascend_sim/queues.h"

#include "runtime/sim_driver/memory.h"

#include <algorithm>
#include <sys/mman.h>

namespace cellgrad::ascend {

namespace {
constexpr size_t kMostAccesses = size_t(1) << 16;

void join(Clock &into, const Clock &from) {
  for (int p = 0; p < CG_ASCEND_PIPES; ++p)
    into[size_t(p)] = std::max(into[size_t(p)], from[size_t(p)]);
}
std::string flagName(const std::array<int32_t, 3> &key) { return std::string("flag <") + pipeName(key[0]) + ", " + pipeName(key[1]) + "> " + std::to_string(key[2]); }

bool accesses(const cg_ascend_op &op, int64_t i) { return op.operand[i].space != CG_ASCEND_SCALAR && op.operand[i].access; }
bool writes(const cg_ascend_op &op, int64_t i) { return op.operand[i].access & CG_ASCEND_WRITE; }
bool atomic(const cg_ascend_op &op, int64_t i) { return (op.flags & CG_ASCEND_ATOMIC_ADD) && op.operand[i].space == CG_ASCEND_GM; }
} // namespace

uint64_t Queues::next() { // splitmix64 (Steele, Lea, Flood 2014)
  uint64_t z = (random += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

void Queues::begin(int core) {
  auto bit = [](int pipe) { return 1u << pipe; };
  used = core == CG_ASCEND_AIC ? bit(CG_ASCEND_M) | bit(CG_ASCEND_MTE1) | bit(CG_ASCEND_MTE2) | bit(CG_ASCEND_FIX) : bit(CG_ASCEND_V) | bit(CG_ASCEND_MTE2) | bit(CG_ASCEND_MTE3);
  for (Pipe &pipe : pipes) {
    pipe = {};
    pipe.limit = kMostAccesses;
    // Some pipes run ahead in this block and others lag behind.
    static constexpr unsigned kEagerness[] = {0, 1, 4, 16};
    pipe.eagerness = seeded ? kEagerness[next() % 4] : 0;
  }
  flags.clear();
}

bool Queues::canRun(const Waiting &waiting) { return waiting.op->op != CG_ASCEND_WAIT_FLAG || !flagOf(*waiting.op, waiting.id).raised.empty(); }

std::string Queues::race(int p, const cg_ascend_op &op, const cg_ascend_view *views) {
  Pipe &pipe = pipes[p];
  for (int64_t i = 0; i < op.operands; ++i) {
    if (!accesses(op, i))
      continue;
    Access now = {pipe.known[size_t(p)], &op, op.operand[i].space, writes(op, i), atomic(op, i), Runs(operandOf(op, views, i))};
    if (!now.runs.bytes)
      continue;
    for (int q = 0; q < CG_ASCEND_PIPES; ++q) {
      if (q == p)
        continue;
      const std::vector<Access> &others = pipes[q].accesses;
      for (size_t k = others.size(); k-- && others[k].when > pipe.known[size_t(q)];) {
        const Access &other = others[k];
        if (other.space != now.space || !(now.write || other.write) || (now.atomic && other.atomic) || !now.runs.overlaps(other.runs))
          continue;
        auto doing = [](const Access &a) { return a.write ? "writes" : "reads"; };
        return std::string("race in ") + spaceName(now.space) + ": it " + doing(now) + " on pipe " + pipeName(p) + " the bytes that " + (other.op->place ? other.op->place : "?") + " " +
               doing(other) + " on pipe " + pipeName(q) + ", and no flag orders the two";
      }
    }
    pipe.accesses.push_back(now);
  }
  if (pipe.accesses.size() > pipe.limit) {
    // What the next access of every other pipe will know to be done can be forgotten. The core's own program, pipe S, touches global memory only.
    uint32_t local = UINT32_MAX;
    auto knownTo = [&](int q) {
      const Clock &issued = pipes[q].queue.empty() ? pipes[CG_ASCEND_S].known : pipes[q].queue.front().known;
      return std::max(pipes[q].known[size_t(p)], issued[size_t(p)]);
    };
    for (int q = 0; q < CG_ASCEND_PIPES; ++q)
      if (q != p && q != CG_ASCEND_S && (used >> q & 1))
        local = std::min(local, knownTo(q));
    uint32_t global = p == CG_ASCEND_S ? local : std::min(local, knownTo(CG_ASCEND_S));
    auto known = [&](const Access &a) { return a.when <= (a.space == CG_ASCEND_GM ? global : local); };
    pipe.accesses.erase(std::remove_if(pipe.accesses.begin(), pipe.accesses.end(), known), pipe.accesses.end());
    pipe.limit = std::max(kMostAccesses, 2 * pipe.accesses.size());
  }
  return {};
}

/// The operation runs now.
std::string Queues::step(int p, const Waiting &waiting) {
  Pipe &pipe = pipes[p];
  const cg_ascend_op &op = *waiting.op;
  join(pipe.known, waiting.known);
  ++pipe.known[size_t(p)];
  switch (op.op) {
  case CG_ASCEND_SET_FLAG: {
    Flag &flag = flagOf(op, waiting.id);
    int waiter = op.attributes[1];
    if (!flag.raised.empty() || pipe.known[size_t(waiter)] < flag.waited)
      return flagName({op.attributes[0], waiter, waiting.id}) + " is raised again while the wait for the last time (by " + (flag.last && flag.last->place ? flag.last->place : "?") +
             ") may not be over: a flag is up or down, it does not count";
    flag.raised.push_back(pipe.known);
    flag.last = &op;
    return {};
  }
  case CG_ASCEND_WAIT_FLAG: {
    Flag &flag = flagOf(op, waiting.id);
    join(pipe.known, flag.raised.front());
    flag.raised.pop_front();
    flag.waited = pipe.known[size_t(p)];
    return {};
  }
  case CG_ASCEND_BARRIER: return {};
  default: break;
  }
  std::string wrong = race(p, op, waiting.views.data());
  return !wrong.empty() ? wrong : execute(op, waiting.views.data());
}

std::string Queues::run(int p) {
  Waiting waiting = std::move(pipes[p].queue.front());
  pipes[p].queue.pop_front();
  std::string wrong = step(p, waiting);
  return wrong.empty() || !waiting.op->place ? wrong : std::string(waiting.op->place) + ": " + wrong;
}

std::string Queues::deadlock(const cg_ascend_op *wanted) {
  std::string text = "deadlock: ";
  if (wanted)
    text += std::string(wanted->place ? wanted->place : "?") + " waits";
  for (int p = 0; p < CG_ASCEND_PIPES; ++p) {
    if (pipes[p].queue.empty())
      continue;
    const Waiting &head = pipes[p].queue.front();
    text += std::string(text.back() == ' ' ? "" : "; ") + "pipe " + pipeName(p) + " waits at " + (head.op->place ? head.op->place : "?") + " for " +
            flagName({head.op->attributes[0], head.op->attributes[1], head.id}) + ", which nothing raises";
  }
  return text;
}

template <typename Enough> std::string Queues::runUntil(Enough enough, const cg_ascend_op *wanted) {
  while (!enough()) {
    int ready[CG_ASCEND_PIPES], count = 0;
    for (int p = 0; p < CG_ASCEND_PIPES; ++p)
      if (!pipes[p].queue.empty() && canRun(pipes[p].queue.front()))
        ready[count++] = p;
    if (!count)
      return deadlock(wanted);
    int chosen = ready[seeded ? next() % uint64_t(count) : 0];
    std::string wrong = run(chosen);
    if (!wrong.empty())
      return wrong;
  }
  return {};
}

std::string Queues::issue(const cg_ascend_op &op, const cg_ascend_view *views, int32_t id) {
  Pipe &scalar = pipes[CG_ASCEND_S];
  int p = op.pipe;
  if (p == CG_ASCEND_ALL) {
    std::string wrong = runUntil([&] { return std::all_of(pipes, pipes + CG_ASCEND_PIPES, [](const Pipe &pipe) { return pipe.queue.empty(); }); }, &op);
    for (Pipe &pipe : pipes)
      join(scalar.known, pipe.known);
    return wrong;
  }
  Waiting waiting = {&op, id, scalar.known, std::vector<cg_ascend_view>(views, views + op.operands)};
  if (p == CG_ASCEND_S) {
    std::string wrong = runUntil([&] { return canRun(waiting); }, &op);
    if (wrong.empty() && (wrong = step(p, waiting)).size() && op.place)
      wrong = std::string(op.place) + ": " + wrong;
    return wrong;
  }
  pipes[p].queue.push_back(std::move(waiting));
  if (pipes[p].queue.size() > size_t(target.queue_depth)) {
    std::string wrong = runUntil([&] { return pipes[p].queue.size() <= size_t(target.queue_depth); }, &op);
    if (!wrong.empty())
      return wrong;
  }
  if (seeded)
    for (int q = 0; q < CG_ASCEND_PIPES; ++q)
      for (unsigned n = pipes[q].eagerness ? next() % (pipes[q].eagerness + 1) : 0; n && !pipes[q].queue.empty() && canRun(pipes[q].queue.front()); --n) {
        std::string wrong = run(q);
        if (!wrong.empty())
          return wrong;
      }
  return {};
}

std::string Queues::finish() {
  std::string wrong = runUntil([&] { return std::all_of(pipes, pipes + CG_ASCEND_PIPES, [](const Pipe &pipe) { return pipe.queue.empty(); }); }, nullptr);
  if (!wrong.empty())
    return wrong;
  for (auto &entry : flags)
    if (!entry.second.raised.empty())
      return flagName(entry.first) + " is raised by " + (entry.second.last->place ? entry.second.last->place : "?") + " and never waited for";
  return {};
}

//===----------------------------------------------------------------------===//
// Blocks against each other
//===----------------------------------------------------------------------===//

namespace {
// Beside the number of the last block that touched a byte:
constexpr uint32_t kSeveral = 0x80000000; // so did others of its launch
constexpr uint32_t kAtomic = 0x40000000;  // of writers: all of them atomically
constexpr uint32_t kNumber = kAtomic - 1;

/// The last writer and the last reader of each byte, as numbers that grow from launch to launch.
class GlobalRecords : public sim::Records {
public:
  explicit GlobalRecords(size_t bytes) : count(bytes ? bytes : 1) { // untouched pages cost nothing
    void *memory = mmap(nullptr, 2 * count * sizeof(uint32_t), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    writers = memory == MAP_FAILED ? nullptr : static_cast<uint32_t *>(memory);
    readers = writers ? writers + count : nullptr;
  }
  ~GlobalRecords() override {
    if (writers)
      munmap(writers, 2 * count * sizeof(uint32_t));
  }
  uint32_t *writers, *readers;

private:
  size_t count;
};

/// Bytes that block `self` of the launch that began at `first` reads: true if another block wrote one.
bool noteRead(const uint32_t *writers, uint32_t *readers, int64_t count, uint32_t first, uint32_t self) {
  uint32_t clash = 0;
  for (int64_t i = 0; i < count; ++i) {
    uint32_t writer = writers[i] & kNumber, reader = readers[i] & kNumber;
    clash |= uint32_t(writer >= first) & (uint32_t(writer != self) | writers[i] >> 31);
    readers[i] = reader < first ? self : reader == self ? readers[i] : readers[i] | kSeveral;
  }
  return clash;
}

/// Bytes that it writes: 1 if another block wrote one (not both atomically), 2 if another block read one.
uint32_t noteWrite(uint32_t *writers, const uint32_t *readers, int64_t count, uint32_t first, uint32_t self, bool atomic) {
  uint32_t written = 0, read = 0, harmless = atomic ? kAtomic : 0;
  for (int64_t i = 0; i < count; ++i) {
    uint32_t before = writers[i], reader = readers[i] & kNumber;
    bool now = (before & kNumber) >= first; // written in this launch
    uint32_t others = now && (before & kNumber) != self ? kSeveral : now ? before & kSeveral : 0;
    written |= (others >> 31) & uint32_t((before & harmless) == 0);
    read |= uint32_t(reader >= first) & (uint32_t(reader != self) | readers[i] >> 31);
    writers[i] = self | others | (now ? before & harmless : harmless);
  }
  return written ? 1 : read ? 2 : 0;
}
} // namespace

void GlobalAccesses::beginLaunch(int64_t blocks) {
  if (uint64_t(next) + uint64_t(blocks) >= kAtomic) {
    sim::forgetRecords();
    next = 1;
  }
  first = next;
  next += uint32_t(blocks);
}

std::string GlobalAccesses::note(const cg_ascend_op &op, const cg_ascend_view *views, int64_t block) {
  uint32_t self = first + uint32_t(block);
  for (int64_t i = 0; i < op.operands; ++i) {
    if (!accesses(op, i) || op.operand[i].space != CG_ASCEND_GM)
      continue;
    Runs runs(operandOf(op, views, i));
    sim::Allocation *memory = runs.bytes ? sim::find(runs.low) : nullptr;
    if (!memory)
      continue;
    if (!memory->records)
      memory->records.reset(new GlobalRecords(memory->bytes));
    auto &records = static_cast<GlobalRecords &>(*memory->records);
    if (!records.writers)
      return "no memory for the records of a checked kernel";
    bool write = writes(op, i), add = atomic(op, i);
    const char *clash = nullptr;
    runs.each([&](char *at) {
      uint32_t *writers = records.writers + (at - memory->base), *readers = records.readers + (at - memory->base);
      if (!write)
        clash = noteRead(writers, readers, runs.bytes, first, self) ? "writes" : clash;
      else if (uint32_t against = noteWrite(writers, readers, runs.bytes, first, self, add))
        clash = against == 1 ? "writes" : "reads";
    });
    if (clash)
      return std::string("race in GM: it ") + (write ? "writes" : "reads") + " bytes that another block of the launch " + clash;
  }
  return {};
}

} // namespace cellgrad::ascend
