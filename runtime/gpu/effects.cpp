//===- effects.cpp - tapes in device memory, values shown from there -------===//
#include "runtime/cpu/cellgrad_cpu.h"
#include "runtime/gpu/gpu.h"

using namespace cellgrad::gpu;

namespace {
constexpr int64_t kBytes[] = {1, 1, 2, 4, 8, 1, 2, 2, 4, 8}; // of CG_BOOL ... CG_F64

void *takeChunk(int64_t bytes) {
  void *memory = nullptr;
  allocate(here(), bytes, &memory);
  return memory;
}
// Within the program that took it, or at its end: the device is the same.
void giveChunk(void *memory) { release(here(), memory); }

const cg_tape_memory deviceMemory = {takeChunk, giveChunk};
} // namespace

int64_t cg_gpu_tape_create(int64_t stride) {
  countWait(); // its chunks have other addresses at each run
  return cg_tape_create_in(stride, &deviceMemory);
}

void cg_gpu_print(const char *format, int64_t count, void *const *data, const int64_t *meta) {
  here();
  int64_t total = count * int64_t(sizeof(void *));
  const int64_t *m = meta;
  auto bytesOf = [](const int64_t *&m) {
    int64_t bytes = kBytes[m[0]], rank = m[1];
    for (int64_t i = 0; i < rank; ++i)
      bytes *= m[2 + i];
    m += 2 + rank;
    return bytes;
  };
  for (int64_t i = 0; i < count; ++i)
    total += (bytesOf(m) + 15) / 16 * 16;
  // The copies are an item of a tape of the host: they are given back even where the handler ends the program.
  int64_t tape = cg_tape_create(total + 16);
  auto *host = static_cast<void **>(cg_tape_push(tape));
  char *next = reinterpret_cast<char *>(host) + (count * int64_t(sizeof(void *)) + 15) / 16 * 16;
  m = meta;
  for (int64_t i = 0; i < count; ++i) {
    int64_t bytes = bytesOf(m);
    host[i] = next;
    cg_gpu_read(next, data[i], bytes);
    next += (bytes + 15) / 16 * 16;
  }
  if (!count)
    countWait();
  cg_print(format, count, host, meta);
  cg_tape_free(tape);
}
