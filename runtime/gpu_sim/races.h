//===- races.h - who touched which byte of memory last ----------------------===//
#ifndef CELLGRAD_SIM_RACES_H
#define CELLGRAD_SIM_RACES_H

#include "runtime/sim_driver/engine.h"

#include <cstddef>
#include <cstdint>
#include <string>

namespace cellgrad::sim {

class Known;

/// When and by whom: `block` counts all blocks that ever ran. `phase` is the step of the thread's warp; all steps of the block before `since`, its last
/// barrier, are behind all threads, and further ones behind those who know it from mbarriers.
struct Moment {
  uint32_t block, phase;
  uint32_t thread; // in its block
  uint32_t since;
  const Known *known; // null in kernels without mbarriers
};

/// Last write and last read of every byte of a piece of memory. Two accesses of one launch to one byte, at least one of them a write and not both
/// atomic, are a race if they come from different blocks, or from different threads of a block with no barrier (or mbarrier) between.
class Shadow : public Records {
public:
  explicit Shadow(size_t bytes);
  ~Shadow() override;
  Shadow(const Shadow &) = delete;
  /// Notes an access of [offset, offset + bytes); `firstBlock` is the first block of this launch. What is against it, or an empty text.
  std::string access(size_t offset, size_t bytes, Moment now, uint32_t firstBlock, bool write, bool atomic, bool note = true);

private:
  struct Cell {
    uint32_t writeBlock, writePhase, readBlock, readPhase;
    uint16_t writer, reader; // 1 + thread; Many, ManyBlocks
    uint32_t atomic;
  };
  Cell *cells;
  size_t length;
};

} // namespace cellgrad::sim

#endif // CELLGRAD_SIM_RACES_H
