//===- memory.h - the simulator's device memory ---------------------------===//
#ifndef CELLGRAD_SIM_MEMORY_H
#define CELLGRAD_SIM_MEMORY_H

#include "runtime/sim_driver/engine.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace cellgrad::sim {

/// One block of device memory: ordinary memory that starts as NaN in every floating point type.
struct Allocation {
  char *base;
  size_t bytes;
  uint64_t number;
  int device; // its ordinal
  bool freed = false;
  std::unique_ptr<Records> records; // belongs to the engine
};

/// Limits `CELLGRAD_SIM_MEMORY` at most this many bytes in use; null if that is reached or the system has no memory left.
void *allocate(size_t bytes, int device);
/// False if no block starts there. What was freed is kept for a while, so that later uses of it are found.
bool release(void *address);
/// The block that holds `address`, freed ones included; null for other memory.
Allocation *find(const void *address);
/// Empty if [address, address + bytes) is device memory, otherwise what it is instead.
std::string describeFault(const void *address, size_t bytes);
/// Drops all records.
void forgetRecords();
size_t usedBytes();
size_t totalBytes();

} // namespace cellgrad::sim

#endif // CELLGRAD_SIM_MEMORY_H
