//===- hopper.h - asynchronous work of a block: mbarriers, bulk copies, products of warpgroups -===//
#ifndef CELLGRAD_SIM_HOPPER_H
#define CELLGRAD_SIM_HOPPER_H

#include "runtime/gpu_sim/gpu_sim.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace cellgrad::sim {

struct Lane;

/// What a thread knows to lie behind it, as numbers that only grow (a vector clock): per warpgroup the last product that is done, per warp its steps, and those
/// of its steps that lie in front of a proxy fence that is behind, per mbarrier the phases that completed. Barriers of the block and mbarriers hand it on.
class Known {
public:
  static constexpr size_t kWarpgroups = 8, kWarps = 32;
  static constexpr size_t product(int32_t warpgroup) { return size_t(warpgroup); }
  static constexpr size_t steps(int32_t warp) { return kWarpgroups + size_t(warp); }
  static constexpr size_t fenced(int32_t warp) { return kWarpgroups + kWarps + size_t(warp); }
  static constexpr size_t phases(int32_t mbarrier) { return kWarpgroups + 2 * kWarps + size_t(mbarrier); }

  uint32_t operator[](size_t i) const { return i < numbers.size() ? numbers[i] : 0; }
  void raise(size_t i, uint32_t value) {
    if (i >= numbers.size())
      numbers.resize(i + 1, 0);
    numbers[i] = std::max(numbers[i], value);
  }
  void merge(const Known &other) {
    for (size_t i = 0; i < other.numbers.size(); ++i)
      raise(i, other.numbers[i]);
  }
  void clear() { numbers.clear(); }
  bool empty() const { return numbers.empty(); }

private:
  std::vector<uint32_t> numbers;
};

/// Sums that a product left in a thread's registers, known by a hash of them.
struct Sums {
  uint64_t hash;
  uint32_t product; // its number
  bool used;        // by other operations, with no wgmma.fence since
};
/// A proxy fence of a thread: how many ordinary stores to shared memory lie in front of it, and the step of its warp.
struct ProxyFence {
  uint32_t stores, step;
};

/// The asynchronous side of one thread.
struct AsyncLane {
  Known known;
  bool fenced;     // wgmma.fence since the last group was committed
  uint32_t issued; // number of the last product of its warpgroup
  std::vector<uint32_t> groups; // last product of each committed group
  std::vector<Sums> sums;
  int32_t mbarrier, parity; // waited for
  uint32_t stores;          // ordinary ones to shared memory
  std::vector<ProxyFence> fences;
};

/// Addresses as a descriptor has them: bits 4 to 6 are changed by bits 7 to 9, as many as the pattern has (0 to 3: none, 32, 64, 128 bytes).
inline uint32_t swizzled(uint32_t address, int32_t bits) { return address ^ (((address >> 7) & ((1u << bits) - 1)) << 4); }

/// The next functions are for the block that runs.
void beginAsync();
/// Empty, or what is still under way.
std::string endAsync();
/// All threads met: what one knows, all know.
void meetAsync();
/// Lets one bulk copy arrive that somebody waits for; false if there is none. `error` if that shows a mistake.
bool arriveLate(uint64_t random, std::string &error);
/// An ordinary access of shared memory by a checked kernel: empty, or what of asynchronous work it collides with.
std::string touchAsync(Lane &lane, size_t offset, size_t bytes, bool write);
/// A product of a warpgroup reads 16 bytes.
std::string readByProduct(Lane *lanes, int32_t warpgroup, uint32_t number, size_t offset, const char *place);
/// A thread ends.
void finishAsync(Lane &lane);
/// "phase 2 of the mbarrier ...: 1 of 4 arrivals are missing".
std::string describeMbarrier(const Lane &lane);

/// A tile on its way into shared memory.
struct BulkCopy {
  char map[128];
  int64_t at[5], bytes;
  char *to;
  int32_t mbarrier, thread;
  uint32_t phase;
  const char *place;
  bool done;
};
/// The bytes of a map's tile, or -1 with a text if the 128 bytes are no tensor map of this simulator.
int64_t tileBytes(const void *map, int32_t rank, int32_t &swizzleBits, std::string &text);
/// The pieces of the source that lie inside of the tensor: address and bytes.
std::vector<std::pair<const char *, size_t>> sourceRows(const BulkCopy &copy);
/// Writes the tile into shared memory, whose first byte has the address `base` there.
void copyTile(const BulkCopy &copy, char *shared, uint32_t base);

} // namespace cellgrad::sim

#endif // CELLGRAD_SIM_HOPPER_H
