//===- GpuTarget.h - what the mapping knows about the hardware ------------===//
#ifndef CELL_PASSES_LINALGTOGPU_GPUTARGET_H
#define CELL_PASSES_LINALGTOGPU_GPUTARGET_H

#include "llvm/ADT/StringRef.h"

#include <cstdint>

namespace mlir::cell {

/// What one block of a tiled product does for each step along the sum, and what it holds while it runs.
struct TileWork {
  int64_t threads, registers; // of a thread
  int64_t sharedBytes;        // allocated
  double multiplyAdds;        // per step
  double sharedTraffic;       // bytes read from and written to shared memory per step
  double memoryTraffic;       // bytes of the factors per step
  double stepLatency;         // cycles that a step takes at least, however little it does
};

/// Facts about a chip that mappings choose sizes by; the only place of them. The numbers of docs/design/gpu-products.md ("Choosing tiles").
struct GpuTarget {
  int64_t warp = 32;
  int64_t maxThreads = 1024;       // of a block
  int64_t threads = 256;           // of a block, where nothing speaks for another number
  int64_t sharedBytes = 48 * 1024; // static shared memory of a block
  int64_t vectorBytes = 16;        // widest access of one thread
  int64_t maxBlocks[3] = {INT32_MAX, 65535, 65535}; // of a grid

  // Of a multiprocessor; those of sm_90, which also stand for the simulator.
  int64_t multiprocessors = 132;
  int64_t residentThreads = 2048, residentBlocks = 32, registers = 65536;
  int64_t residentShared = 227 * 1024;
  // Per cycle and multiprocessor: multiply-adds, and bytes.
  double simt32 = 128, simt64 = 64, tensor16 = 1024, tensorTf32 = 512;
  double wgmma16 = 2048;   // the same tensor cores, fed from shared memory by wgmma
  bool hasWgmma = false;   // on sm_90a only
  double sharedRate = 128, cacheRate = 32, memoryRate = 14;
  int64_t workspaceBytes = 32 << 20, convolutionWorkspaceBytes = 256 << 20; // what libraries of products may use at most

  /// The chip "sm_90" or its like; "sim", "sim-checked" and unknown names are sm_90.
  static GpuTarget of(llvm::StringRef chip);

  /// Blocks of `size` threads that fill the device once.
  int64_t wave(int64_t size) const { return multiprocessors * (residentThreads / size); }
  /// Blocks that a multiprocessor runs at a time.
  int64_t blocksAtATime(const TileWork &work) const;
  /// Cycles that `blocks` blocks of `steps` steps take; `rate` is the multiply-adds per cycle.
  double cycles(const TileWork &work, double rate, int64_t blocks, int64_t steps) const;
  /// Cycles of a kernel that adds `pieces` partial sums of `bytes` each.
  double cyclesOfSum(int64_t pieces, int64_t bytes) const;
};

/// What the user allows for products.
struct ProductPolicy {
  bool tf32Products = false, tf32Convolutions = false; // f32 factors may be rounded to tf32
  enum Way { Generated, Library, Measured } way = Generated;
  enum Wgmma { Auto, On, Off } wgmma = Auto; // where the chip has it and the model takes it for faster; every product that fits, on any chip; nowhere
  bool matrices = true, convolutions = true; // which ones are not generated in any case
};

} // namespace mlir::cell

#endif // CELL_PASSES_LINALGTOGPU_GPUTARGET_H
