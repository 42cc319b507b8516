//===- GpuTarget.h - what the mapping knows about the hardware ------------===//
#ifndef CELL_PASSES_LINALGTOGPU_GPUTARGET_H
#define CELL_PASSES_LINALGTOGPU_GPUTARGET_H

#include <cstdint>

namespace mlir::cell {

/// Facts about the device that mappings choose sizes by; the only place of them.
struct GpuTarget {
  int64_t warp = 32;
  int64_t maxThreads = 1024;         // of a block
  int64_t threads = 256;             // of a block, where nothing speaks for another number
  int64_t sharedBytes = 48 * 1024;   // static shared memory of a block
  int64_t vectorBytes = 16;          // widest access of one thread
  int64_t maxBlocks[3] = {INT32_MAX, 65535, 65535}; // of a grid
  int64_t multiprocessors = 132;
  int64_t residentThreads = 2048;    // of a multiprocessor

  /// Blocks of `size` threads that fill the device once.
  int64_t wave(int64_t size) const { return multiprocessors * (residentThreads / size); }
};

} // namespace mlir::cell

#endif // CELL_PASSES_LINALGTOGPU_GPUTARGET_H
