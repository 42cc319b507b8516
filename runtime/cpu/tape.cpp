//===- tape.cpp - stacks of values that a program saves for later ---------===//
#include "runtime/cpu/cellgrad_cpu.h"
#include "runtime/cpu/run.h"

#include <algorithm>
#include <cstdlib>
#include <vector>

namespace {
constexpr size_t kAlign = 64, kFirstChunk = size_t(4) << 10, kLargestStep = size_t(64) << 20, kHugePage = size_t(2) << 20;
/// A chunk that so many programs in a row did not use goes back to the system.
constexpr uint64_t kIdlePrograms = 32;

struct Chunk {
  Chunk *previous;
  size_t bytes; // of data
  uint64_t used;               // number of the program that used it last
  const cg_tape_memory *where; // null: host memory, behind this header
  char *memory;
  char *data() { return memory; }
};
static_assert(sizeof(Chunk) <= kAlign);
} // namespace

struct cellgrad::Tape {
  cg_tape_head head;
  size_t stride;
  Chunk *chunk, *spare; // the current one; the one above it, kept for a loop that goes to and fro at the border
  size_t total;         // bytes of all chunks
  const cg_tape_memory *where;
  Tape *next, **link;   // in the program's list
};

namespace {
using cellgrad::Tape;

/// Chunks and tapes of this thread that no program uses.
struct Pool {
  std::vector<Chunk *> chunks;
  std::vector<Tape *> tapes;
  uint64_t programs = 0;

  ~Pool() {
    for (Chunk *chunk : chunks)
      std::free(chunk);
    for (Tape *tape : tapes)
      std::free(tape);
  }

  Chunk *take(const cg_tape_memory *where, size_t wanted, size_t least) {
    if (where)
      return takeFrom(where, wanted, least);
    auto best = chunks.end();
    for (auto it = chunks.begin(); it != chunks.end(); ++it)
      if ((*it)->bytes >= least && (best == chunks.end() || (*it)->bytes < (*best)->bytes))
        best = it;
    if (best != chunks.end()) {
      Chunk *chunk = *best;
      *best = chunks.back();
      chunks.pop_back();
      return chunk;
    }
    for (size_t bytes : {wanted, least}) {
      void *memory = nullptr;
      size_t size = bytes + kAlign;
      if (size < bytes || posix_memalign(&memory, size >= kHugePage ? kHugePage : kAlign, size) != 0)
        continue;
      auto *chunk = static_cast<Chunk *>(memory);
      *chunk = {nullptr, bytes, 0, nullptr, static_cast<char *>(memory) + kAlign};
      return chunk;
    }
    return nullptr;
  }

  /// Memory of another kind has a pool of its own.
  static Chunk *takeFrom(const cg_tape_memory *where, size_t wanted, size_t least) {
    auto *chunk = static_cast<Chunk *>(std::malloc(sizeof(Chunk)));
    if (!chunk)
      return nullptr;
    for (size_t bytes : {wanted, least})
      if (void *memory = where->allocate(int64_t(bytes))) {
        *chunk = {nullptr, bytes, 0, where, static_cast<char *>(memory)};
        return chunk;
      }
    std::free(chunk);
    return nullptr;
  }

  void give(Chunk *chunk) {
    if (chunk->where) {
      chunk->where->release(chunk->memory);
      std::free(chunk);
      return;
    }
    chunk->used = programs;
    chunks.push_back(chunk);
  }

  void trim() {
    ++programs;
    auto idle = [&](Chunk *chunk) {
      bool drop = chunk->used + kIdlePrograms < programs;
      if (drop)
        std::free(chunk);
      return drop;
    };
    chunks.erase(std::remove_if(chunks.begin(), chunks.end(), idle), chunks.end());
  }
};
thread_local Pool pool;

/// Makes `chunk` the current one, empty or full.
void enter(Tape *tape, Chunk *chunk, bool full) {
  tape->chunk = chunk;
  tape->head.begin = chunk->data();
  tape->head.end = chunk->data() + chunk->bytes / tape->stride * tape->stride;
  tape->head.top = full ? tape->head.end : tape->head.begin;
}

void release(Tape *tape) {
  if (tape->spare)
    pool.give(tape->spare);
  for (Chunk *chunk = tape->chunk; chunk;) {
    Chunk *previous = chunk->previous;
    pool.give(chunk);
    chunk = previous;
  }
  pool.tapes.push_back(tape);
}
} // namespace

void cellgrad::freeTapes(Run &run) {
  if (!run.tapes)
    return;
  for (Tape *tape = run.tapes; tape;) {
    Tape *next = tape->next;
    release(tape);
    tape = next;
  }
  run.tapes = nullptr;
  if (!run.outer)
    pool.trim();
}

int64_t cg_tape_create(int64_t stride) { return cg_tape_create_in(stride, nullptr); }

int64_t cg_tape_create_in(int64_t stride, const cg_tape_memory *where) {
  Tape *tape;
  if (!pool.tapes.empty()) {
    tape = pool.tapes.back();
    pool.tapes.pop_back();
  } else if (!(tape = static_cast<Tape *>(std::malloc(sizeof(Tape))))) {
    cg_fail(CG_FAILURE_MEMORY, "no memory for the values that a loop saves");
  }
  *tape = {{nullptr, nullptr, nullptr}, static_cast<size_t>(std::max<int64_t>(stride, 1)), nullptr, nullptr, 0, where, nullptr, nullptr};
  Tape **list = &cellgrad::currentRun->tapes;
  tape->next = *list;
  tape->link = list;
  if (tape->next)
    tape->next->link = &tape->next;
  *list = tape;
  return reinterpret_cast<int64_t>(tape);
}

void *cg_tape_push(int64_t handle) {
  auto *tape = reinterpret_cast<Tape *>(handle);
  if (tape->head.top == tape->head.end) {
    Chunk *chunk = tape->spare;
    tape->spare = nullptr;
    // Each chunk is as large as all before it together, up to a limit: few allocations, little waste.
    if (!chunk && !(chunk = pool.take(tape->where, std::max({kFirstChunk, std::min(tape->total, kLargestStep), tape->stride}), tape->stride)))
      cg_fail(CG_FAILURE_MEMORY, "no memory for the values that a loop saves");
    chunk->previous = tape->chunk;
    tape->total += chunk->bytes;
    enter(tape, chunk, false);
  }
  char *item = tape->head.top;
  tape->head.top += tape->stride;
  return item;
}

void *cg_tape_pop(int64_t handle) {
  auto *tape = reinterpret_cast<Tape *>(handle);
  if (tape->head.top == tape->head.begin) {
    Chunk *empty = tape->chunk;
    if (!empty || !empty->previous)
      cg_fail(CG_FAILURE_PROGRAM, "cell.tape_pop of an empty tape");
    if (tape->spare)
      pool.give(tape->spare);
    tape->spare = empty;
    tape->total -= empty->bytes;
    enter(tape, empty->previous, true);
  }
  return tape->head.top -= tape->stride;
}

void cg_tape_free(int64_t handle) {
  auto *tape = reinterpret_cast<Tape *>(handle);
  *tape->link = tape->next;
  if (tape->next)
    tape->next->link = tape->link;
  release(tape);
}
