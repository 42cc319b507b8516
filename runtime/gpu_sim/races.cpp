//===- races.cpp - who touched which byte of memory last --------------------===//
#include "runtime/gpu_sim/races.h"

#include "runtime/gpu_sim/hopper.h"

#include <sys/mman.h>

namespace cellgrad::sim {

namespace {
constexpr uint16_t kMany = 0xffff, kManyBlocks = 0xfffe;
} // namespace

// Untouched pages cost nothing, so a cell per byte is affordable.
Shadow::Shadow(size_t bytes) : length(bytes * sizeof(Cell)) {
  void *memory = mmap(nullptr, length ? length : 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  cells = memory == MAP_FAILED ? nullptr : static_cast<Cell *>(memory);
}
Shadow::~Shadow() {
  if (cells)
    munmap(cells, length ? length : 1);
}

std::string Shadow::access(size_t offset, size_t bytes, Moment now, uint32_t firstBlock, bool write, bool atomic, bool note) {
  if (!cells)
    return "no memory for the records of a checked kernel";
  auto self = static_cast<uint16_t>(now.thread + 1);
  // True if what happened at (block, phase, who) is not ordered with this access. Cells of earlier launches are older than firstBlock; block 0 is never used.
  auto unordered = [&](uint32_t block, uint32_t phase, uint16_t who) {
    if (block < firstBlock)
      return false;
    if (block != now.block || who == kManyBlocks)
      return true;
    if (who == self)
      return false;
    if (who == kMany) // whose steps are not kept: what mbarriers say of them is not known
      return phase >= now.since && (!now.known || now.known->empty());
    return phase >= (now.known ? std::max(now.since, (*now.known)[Known::steps((who - 1) / 32)]) : now.since);
  };
  auto culprit = [&](const char *what, uint32_t block, uint16_t who) {
    std::string text = std::string("race: the same bytes were ") + what + " by ";
    if (who == kMany || who == kManyBlocks)
      return text + "other threads with no barrier between";
    return block != now.block ? text + "thread " + std::to_string(who - 1) + " of another block of this launch"
                              : text + "thread " + std::to_string(who - 1) + " of the block with no barrier between";
  };
  for (Cell *cell = cells + offset, *end = cell + bytes; cell != end; ++cell) {
    bool clash = cell->writer && unordered(cell->writeBlock, cell->writePhase, cell->writer);
    if (clash && !(atomic && cell->atomic))
      return culprit("written", cell->writeBlock, cell->writer);
    if (write && cell->reader && unordered(cell->readBlock, cell->readPhase, cell->reader))
      return culprit("read", cell->readBlock, cell->reader);
    if (!note)
      continue;
    if (write) {
      cell->writer = !clash ? self : cell->writeBlock == now.block && cell->writer != kManyBlocks ? kMany : kManyBlocks;
      cell->writeBlock = now.block, cell->writePhase = now.phase, cell->atomic = atomic;
    } else {
      bool several = cell->reader && unordered(cell->readBlock, cell->readPhase, cell->reader);
      cell->reader = !several ? self : cell->readBlock == now.block && cell->reader != kManyBlocks ? kMany : kManyBlocks;
      cell->readBlock = now.block, cell->readPhase = now.phase;
    }
  }
  return {};
}

} // namespace cellgrad::sim
