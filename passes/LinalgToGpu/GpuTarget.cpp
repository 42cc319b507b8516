//===- GpuTarget.cpp - chips, and how long tiled products take on them ----===//
#include "passes/LinalgToGpu/GpuTarget.h"

#include <algorithm>
#include <cmath>

using namespace mlir::cell;

GpuTarget GpuTarget::of(llvm::StringRef chip) {
  // The largest product of each compute capability; a device that is there says its own number of multiprocessors. Residence: table of technical
  // specifications in the CUDA programming guide. Rates: its table of arithmetic throughput, and bandwidths by clock from data sheets.
  struct Row {
    llvm::StringLiteral chip;
    int64_t multiprocessors, residentThreads, residentBlocks, sharedKiB;
    double simt32, simt64, tensor16, tensorTf32, cacheRate, memoryRate;
  };
  static constexpr Row rows[] = {
      {"sm_90", 132, 2048, 32, 227, 128, 64, 1024, 512, 24, 14},  {"sm_90a", 132, 2048, 32, 227, 128, 64, 1024, 512, 24, 14},
      {"sm_80", 108, 2048, 32, 163, 64, 32, 1024, 512, 40, 10},   {"sm_86", 84, 1536, 16, 99, 128, 2, 512, 256, 24, 6},
      {"sm_87", 16, 1536, 16, 163, 128, 2, 512, 256, 16, 10},     {"sm_89", 142, 1536, 24, 99, 128, 2, 512, 256, 16, 2.5},
      {"sm_100", 148, 2048, 32, 227, 128, 64, 1024, 512, 24, 29}, {"sm_100a", 148, 2048, 32, 227, 128, 64, 1024, 512, 24, 29},
      {"sm_120", 170, 1536, 24, 99, 128, 2, 512, 256, 16, 4.5},
  };
  const Row *row = &rows[0];
  for (const Row &other : rows)
    if (other.chip == chip)
      row = &other;
  GpuTarget target;
  target.multiprocessors = row->multiprocessors;
  target.residentThreads = row->residentThreads, target.residentBlocks = row->residentBlocks, target.residentShared = row->sharedKiB * 1024;
  target.simt32 = row->simt32, target.simt64 = row->simt64, target.tensor16 = row->tensor16, target.tensorTf32 = row->tensorTf32;
  target.hasWgmma = row->chip == "sm_90a";
  target.cacheRate = row->cacheRate, target.memoryRate = row->memoryRate;
  target.workspaceBytes = row->chip.starts_with("sm_8") || row->chip == "sm_120" ? 4 << 20 : 32 << 20; // as the library's manual advises
  return target;
}

int64_t GpuTarget::blocksAtATime(const TileWork &work) const {
  // Each block takes 1 KiB of shared memory for itself; registers come in units of 8 per thread.
  int64_t perThread = (std::max<int64_t>(work.registers, 24) + 7) / 8 * 8;
  int64_t blocks = std::min({residentBlocks, residentThreads / work.threads, registers / (perThread * work.threads), residentShared / (work.sharedBytes + 1024)});
  return std::max<int64_t>(1, blocks);
}

double GpuTarget::cycles(const TileWork &work, double rate, int64_t blocks, int64_t steps) const {
  int64_t most = blocksAtATime(work);
  // A step of `side` blocks that share a multiprocessor.
  auto step = [&](int64_t side) {
    return std::max({side * work.multiplyAdds / rate, side * work.sharedTraffic / sharedRate, side * work.memoryTraffic / cacheRate, work.stepLatency});
  };
  // The multiprocessor with the most blocks: full rounds, and a last one.
  int64_t own = (blocks + multiprocessors - 1) / multiprocessors, rounds = own / most, rest = own % most;
  return steps * (rounds * step(most) + (rest ? step(rest) : 0));
}

double GpuTarget::cyclesOfSum(int64_t pieces, int64_t bytes) const {
  constexpr double kLaunch = 4000; // of one more kernel
  return pieces == 1 ? 0 : kLaunch + double(2 * pieces + 1) * double(bytes) / (memoryRate * multiprocessors);
}
