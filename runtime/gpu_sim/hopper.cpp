//===- hopper.cpp - mbarriers and bulk copies of the block that runs -------===//
#include "runtime/gpu_sim/execute.h"
#include "runtime/sim_driver/memory.h"

#include <cstring>

using namespace cellgrad::sim;

namespace {
constexpr uint64_t kMark = 0x6d62617272696572;       // what lies where an mbarrier is, xor its number
constexpr int64_t kMost = (1 << 20) - 1;             // of arrivals, of bytes that are announced
constexpr size_t kGrain = 16;                        // bytes of shared memory with a common record

struct Mbarrier {
  char *address;
  int64_t count, pending, bytes; // bytes: announced and not yet come
  uint32_t phase;                // phases that completed
  int32_t maker; // thread, and the step of its warp
  uint32_t madeIn;
  const char *place;
  bool shown;       // to bulk copies, by its maker
  uint32_t shownIn; // in this step
  Known arriving, released;
};

/// Who wrote or reads 16 bytes of shared memory asynchronously.
struct Grain {
  int32_t copy;                          // 1 + number of the last bulk copy to here
  uint32_t products[Known::kWarpgroups]; // the last product of each warpgroup that reads here
};
struct Store {
  uint32_t number, step; // of that thread, of its warp
  uint16_t writer;       // 1 + thread
};

struct Async {
  std::vector<Mbarrier> mbarriers;
  std::vector<BulkCopy> copies;
  std::vector<size_t> open; // copies that are under way
  std::vector<Grain> grains;
  std::vector<Store> stores; // per byte, in checked kernels
  std::vector<const char *> productPlaces[Known::kWarpgroups];
};
Async &async() {
  static auto *only = new Async;
  return *only;
}

std::string name(const Mbarrier &m) {
  size_t bytes;
  return "the mbarrier at byte " + std::to_string(m.address - sharedMemory(bytes)) + " of shared memory";
}

Grain *grainsOf(size_t offset) {
  Async &a = async();
  size_t bytes;
  sharedMemory(bytes);
  if (a.grains.size() * kGrain < bytes)
    a.grains.resize((bytes + kGrain - 1) / kGrain);
  return &a.grains[offset / kGrain];
}

/// The mbarrier, or a fault.
Mbarrier &find(cg_sim_thread *thread, const char *place, char *group, int64_t index, int64_t count) {
  Async &a = async();
  if (index < 0 || index >= count)
    fault(thread, place, "mbarrier " + std::to_string(index) + " of a group of " + std::to_string(count));
  char *address = group + 8 * index;
  uint64_t word;
  memcpy(&word, address, 8);
  if (word == ~uint64_t(0))
    fault(thread, place, "the mbarrier is used before it is initialised");
  uint64_t number = word ^ kMark;
  if (number >= a.mbarriers.size() || a.mbarriers[number].address != address)
    fault(thread, place, "the memory of the mbarrier was overwritten");
  auto &lane = *reinterpret_cast<Lane *>(thread);
  const Mbarrier &m = a.mbarriers[number];
  if (m.maker != lane.index && !isBehind(lane, m.maker / 32, m.madeIn))
    fault(thread, place, "thread " + std::to_string(m.maker) + " of the block initialised the mbarrier" + at(m.place) + " with no barrier between");
  if (place)
    cg_sim_access(thread, place, address, 8, 8, CG_SIM_ATOMIC, 1);
  return a.mbarriers[number];
}

/// Ends the phase if all has come. Empty, or what is wrong.
std::string settle(Mbarrier &m) {
  Async &a = async();
  auto index = int32_t(&m - a.mbarriers.data());
  if (m.bytes < -kMost)
    return name(m) + " gets " + std::to_string(-m.bytes) + " bytes more than were announced";
  if (m.pending)
    return {};
  if (m.bytes < 0)
    return name(m) + ": " + std::to_string(-m.bytes) + " bytes more come than expect_tx announced";
  if (m.bytes)
    return {};
  for (size_t open : a.open)
    if (a.copies[open].mbarrier == index)
      return name(m) + " completes its phase while the bulk copy" + at(a.copies[open].place) + " is under way: expect_tx announced too few bytes";
  ++m.phase;
  m.pending = m.count;
  m.released.merge(m.arriving);
  m.arriving.clear();
  int32_t count;
  Lane *lanes = blockLanes(count);
  for (int32_t i = 0; i < count; ++i)
    if (lanes[i].wait == Wait::Mbarrier && lanes[i].async.mbarrier == index && (m.phase & 1) != uint32_t(lanes[i].async.parity))
      lanes[i].wait = Wait::None;
  return {};
}

/// True if asynchronous work that the lane starts sees the store: a proxy fence lies between the two. That may be one of the writer itself, or of a thread that
/// had the store behind it; and it must be behind the lane.
bool isVisible(const Lane &lane, const Store &store) {
  if (!store.writer)
    return true;
  int32_t count, warp = (store.writer - 1) / 32;
  if (store.step < lane.async.known[Known::fenced(warp)])
    return true;
  const auto &fences = blockLanes(count)[store.writer - 1].async.fences;
  auto first = std::lower_bound(fences.begin(), fences.end(), store.number, [](const ProxyFence &fence, uint32_t number) { return fence.stores < number; });
  return first != fences.end() && (lane.index == store.writer - 1 || isBehind(lane, warp, first->step));
}

/// Empty, or which ordinary store of these bytes asynchronous work of the lane does not see.
std::string hiddenStore(const Lane &lane, size_t offset, size_t bytes) {
  const auto &stores = async().stores;
  for (size_t i = offset; i < offset + bytes && i < stores.size(); ++i)
    if (!isVisible(lane, stores[i]))
      return "thread " + std::to_string(stores[i].writer - 1) + " of the block wrote the bytes by an ordinary store, with no fence.proxy.async between that and this";
  return {};
}
bool storedTo(size_t offset) {
  const auto &stores = async().stores;
  for (size_t i = offset; i < offset + kGrain && i < stores.size(); ++i)
    if (stores[i].writer)
      return true;
  return false;
}
} // namespace

void cellgrad::sim::beginAsync() {
  Async &a = async();
  int32_t count;
  Lane *lanes = blockLanes(count);
  for (int32_t i = 0; i < count; ++i)
    lanes[i].async = {};
  a.mbarriers.clear(), a.copies.clear(), a.open.clear(), a.grains.clear(), a.stores.clear();
  for (auto &places : a.productPlaces)
    places.clear();
}

std::string cellgrad::sim::endAsync() {
  Async &a = async();
  if (a.open.empty())
    return {};
  const BulkCopy &copy = a.copies[a.open.front()];
  return "the block ends while the bulk copy" + at(copy.place) + " is under way: nobody waits for " + name(a.mbarriers[size_t(copy.mbarrier)]);
}

void cellgrad::sim::meetAsync() {
  int32_t count;
  Lane *lanes = blockLanes(count);
  Known all;
  for (int32_t i = 0; i < count; ++i)
    all.merge(lanes[i].async.known);
  for (int32_t i = 0; i < count; ++i)
    lanes[i].async.known = all;
}

bool cellgrad::sim::arriveLate(uint64_t random, std::string &error) {
  Async &a = async();
  int32_t count;
  Lane *lanes = blockLanes(count);
  std::vector<size_t> awaited; // of those under way
  for (size_t i = 0; i < a.open.size(); ++i)
    if (std::any_of(lanes, lanes + count, [&](const Lane &lane) { return lane.wait == Wait::Mbarrier && lane.async.mbarrier == a.copies[a.open[i]].mbarrier; }))
      awaited.push_back(i);
  if (awaited.empty())
    return false;
  size_t which = awaited[random % awaited.size()], sharedBytes;
  BulkCopy &copy = a.copies[a.open[which]];
  a.open.erase(a.open.begin() + long(which));
  copyTile(copy, sharedMemory(sharedBytes), CG_SIM_SHARED_BASE);
  copy.done = true;
  Mbarrier &m = a.mbarriers[size_t(copy.mbarrier)];
  m.bytes -= copy.bytes;
  error = settle(m);
  return true;
}

std::string cellgrad::sim::touchAsync(Lane &lane, size_t offset, size_t bytes, bool write) {
  Async &a = async();
  const Grain *last = grainsOf(offset + bytes - 1);
  for (Grain *grain = grainsOf(offset); grain <= last; ++grain) {
    if (grain->copy) {
      const BulkCopy &copy = a.copies[size_t(grain->copy - 1)];
      if (!copy.done)
        return "the bulk copy" + at(copy.place) + " to these bytes is under way";
      if (lane.async.known[Known::phases(copy.mbarrier)] <= copy.phase)
        return "the bulk copy" + at(copy.place) + " wrote these bytes, and this thread did not wait for its mbarrier";
    }
    for (size_t g = 0; write && g < Known::kWarpgroups; ++g)
      if (grain->products[g] > lane.async.known[g])
        return "the product" + at(a.productPlaces[g][grain->products[g] - 1]) + " may still read these bytes: this thread waited for nothing that comes after it";
  }
  if (write) {
    size_t all;
    sharedMemory(all);
    if (a.stores.size() < all)
      a.stores.resize(all);
    Store store = {++lane.async.stores, stepOf(lane), uint16_t(lane.index + 1)};
    std::fill_n(a.stores.begin() + long(offset), bytes, store);
  }
  return {};
}

std::string cellgrad::sim::readByProduct(Lane *lanes, int32_t warpgroup, uint32_t number, size_t offset, const char *place) {
  Async &a = async();
  Grain &grain = *grainsOf(offset);
  auto &places = a.productPlaces[warpgroup];
  if (places.size() < number)
    places.resize(number, place);
  if (grain.products[warpgroup] == number)
    return {};
  if (grain.copy) {
    const BulkCopy &copy = a.copies[size_t(grain.copy - 1)];
    if (!copy.done)
      return "it reads what the bulk copy" + at(copy.place) + " has not brought yet";
    for (int32_t warp = 0; warp < 4; ++warp) {
      auto waited = [&](const Lane &lane) { return lane.async.known[Known::phases(copy.mbarrier)] > copy.phase; };
      if (std::none_of(lanes + 32 * warp, lanes + 32 * warp + 32, waited))
        return "it reads what the bulk copy" + at(copy.place) + " brought, and warp " + std::to_string(warp) + " of the warpgroup did not wait for its mbarrier";
    }
  }
  if (storedTo(offset)) {
    // Of each warp one thread at least has the stores, and their fences, behind it.
    size_t bytes;
    for (int32_t i = 0; i < 128; i += 32) {
      std::string first;
      auto sees = [&](Lane &lane) {
        std::string text = place ? collides(lane, sharedMemory(bytes) + offset, kGrain, /*write=*/false) : std::string();
        if (text.empty())
          text = hiddenStore(lane, offset, kGrain);
        if (first.empty())
          first = text;
        return text.empty();
      };
      if (std::none_of(lanes + i, lanes + i + 32, sees))
        return first;
    }
  } else if (place && !grain.copy) {
    return "it reads bytes of shared memory that nothing has written";
  }
  grain.products[warpgroup] = number;
  return {};
}

void cellgrad::sim::finishAsync(Lane &lane) {
  if (lane.async.issued > lane.async.known[Known::product(lane.index / 128)])
    fault(&lane.context, nullptr, "it ends with products that it did not wait for");
}

std::string cellgrad::sim::describeMbarrier(const Lane &lane) {
  const Mbarrier &m = async().mbarriers[size_t(lane.async.mbarrier)];
  return "phase " + std::to_string(m.phase) + " of " + name(m) + " (" + std::to_string(m.pending) + " of " + std::to_string(m.count) + " arrivals and " +
                     std::to_string(m.bytes) + " bytes are missing)";
}

extern "C" {

void cg_sim_mbarrier_init(cg_sim_thread *thread, const char *place, void *group, int64_t index, int64_t count, int64_t arrivals, int32_t active) {
  if (!active)
    return;
  Async &a = async();
  auto &lane = *reinterpret_cast<Lane *>(thread);
  char *address = static_cast<char *>(group) + 8 * index;
  size_t bytes, offset = size_t(address - sharedMemory(bytes));
  if (index < 0 || index >= count)
    fault(thread, place, "mbarrier " + std::to_string(index) + " of a group of " + std::to_string(count));
  if (offset >= bytes || offset + 8 > bytes || offset % 8)
    fault(thread, place, "an mbarrier lies at a multiple of 8 bytes in shared memory");
  if (arrivals < 1 || arrivals > kMost)
    fault(thread, place, "an mbarrier for " + std::to_string(arrivals) + " arrivals; 1 to 1048575 are possible");
  for (const Mbarrier &m : a.mbarriers)
    if (m.address == address)
      fault(thread, place, "the mbarrier is initialised twice; first" + at(m.place));
  if (place)
    cg_sim_access(thread, place, address, 8, 8, CG_SIM_STORE, 1);
  uint64_t word = kMark ^ a.mbarriers.size();
  memcpy(address, &word, 8);
  a.mbarriers.push_back({address, arrivals, arrivals, 0, 0, lane.index, stepOf(lane), place, false, 0, {}, {}});
}

int64_t cg_sim_mbarrier_arrive(cg_sim_thread *thread, const char *place, void *group, int64_t index, int64_t count, int64_t expected, int32_t active) {
  if (!active)
    return 0;
  auto &lane = *reinterpret_cast<Lane *>(thread);
  Mbarrier &m = find(thread, place, static_cast<char *>(group), index, count);
  if (expected >= 0 && m.bytes + expected > kMost)
    fault(thread, place, "expect_tx: " + std::to_string(m.bytes + expected) + " bytes are more than an mbarrier counts (1048575)");
  if (!m.pending)
    fault(thread, place, name(m) + " gets more arrivals in a phase than the " + std::to_string(m.count) + " it was initialised for");
  m.bytes += std::max<int64_t>(expected, 0);
  --m.pending;
  uint32_t phase = m.phase;
  // What this thread did so far lies behind whoever waits for the phase.
  m.arriving.merge(lane.async.known);
  m.arriving.raise(Known::steps(lane.context.warp), nextStep(lane));
  std::string wrong = settle(m);
  if (!wrong.empty())
    fault(thread, place, wrong);
  return phase;
}

void cg_sim_mbarrier_wait(cg_sim_thread *thread, const char *place, void *group, int64_t index, int64_t count, int32_t parity) {
  auto &lane = *reinterpret_cast<Lane *>(thread);
  Mbarrier *m = &find(thread, place, static_cast<char *>(group), index, count);
  auto number = m - async().mbarriers.data();
  while ((m->phase & 1) == uint32_t(parity & 1)) {
    lane.async.mbarrier = int32_t(number), lane.async.parity = parity & 1;
    waitHere(lane, Wait::Mbarrier, "an mbarrier", place);
    m = &async().mbarriers[size_t(number)]; // others may have been made
  }
  lane.async.known.merge(m->released);
  lane.async.known.raise(Known::phases(int32_t(number)), m->phase);
}

void cg_sim_fence(cg_sim_thread *thread, int32_t stores) {
  auto &lane = *reinterpret_cast<Lane *>(thread);
  for (Mbarrier &m : async().mbarriers)
    if (m.maker == lane.index && !m.shown)
      m.shown = true, m.shownIn = stepOf(lane);
  if (!stores)
    return;
  auto &fences = lane.async.fences;
  if (fences.empty() || fences.back().stores < lane.async.stores)
    fences.push_back({lane.async.stores, stepOf(lane)});
  // And what others wrote that lies behind this thread.
  int32_t count;
  blockLanes(count);
  for (int32_t warp = 0; 32 * warp < count; ++warp)
    lane.async.known.raise(Known::fenced(warp), stepsBehind(lane, warp));
}

void cg_sim_bulk_copy(cg_sim_thread *thread, const char *place, const void *map, void *group, int64_t index, int64_t count, void *to, int64_t bytes, int32_t rank,
                      const int64_t *coordinates, int32_t active) {
  if (!active)
    return;
  Async &a = async();
  auto &lane = *reinterpret_cast<Lane *>(thread);
  Mbarrier &m = find(thread, place, static_cast<char *>(group), index, count);
  if (!(m.shown && (m.maker == lane.index || isBehind(lane, m.maker / 32, m.shownIn))) && m.madeIn >= lane.async.known[Known::fenced(m.maker / 32)])
    fault(thread, place, "bulk copies do not see " + name(m) + " yet: its maker needs fence.mbarrier_init or fence.proxy.async after mbarrier.init");
  BulkCopy copy = {};
  memcpy(copy.map, map, sizeof copy.map);
  memcpy(copy.at, coordinates, size_t(std::min(rank, 5)) * sizeof(int64_t));
  copy.to = static_cast<char *>(to), copy.bytes = bytes, copy.mbarrier = int32_t(&m - a.mbarriers.data()), copy.thread = lane.index, copy.phase = m.phase, copy.place = place;
  int32_t swizzleBits = 0;
  std::string text;
  int64_t tile = tileBytes(copy.map, rank, swizzleBits, text);
  if (tile < 0)
    fault(thread, place, text);
  if (tile != bytes)
    fault(thread, place, "the tensor map's tile has " + std::to_string(tile) + " bytes, the buffer that it comes to " + std::to_string(bytes));
  size_t sharedBytes, offset = size_t(copy.to - sharedMemory(sharedBytes)), alignment = swizzleBits ? size_t(128) << swizzleBits : 128;
  if (offset >= sharedBytes || size_t(tile) > sharedBytes - offset)
    fault(thread, place, "the tile lies outside of the block's shared memory of " + std::to_string(sharedBytes) + " bytes");
  if (offset % alignment)
    fault(thread, place, "the tile lies at byte " + std::to_string(offset) + " of shared memory, not at a multiple of " + std::to_string(alignment));
  for (auto [address, length] : sourceRows(copy)) {
    std::string wrong = describeFault(address, length);
    if (!wrong.empty())
      fault(thread, place, wrong);
    if (place)
      cg_sim_access(thread, place, address, int32_t(length), 1, CG_SIM_LOAD, 1);
  }
  // From now on the tile may be written.
  if (place)
    text = collides(lane, copy.to, size_t(tile), /*write=*/true);
  if (text.empty())
    text = hiddenStore(lane, offset, size_t(tile));
  for (Grain *grain = grainsOf(offset), *end = grain + tile / int64_t(kGrain); grain != end && text.empty(); ++grain) {
    if (grain->copy && !a.copies[size_t(grain->copy - 1)].done)
      text = "the bulk copy" + at(a.copies[size_t(grain->copy - 1)].place) + " to the same bytes is under way";
    for (size_t g = 0; g < Known::kWarpgroups && text.empty(); ++g)
      if (grain->products[g] > lane.async.known[g])
        text = "the product" + at(a.productPlaces[g][grain->products[g] - 1]) + " of warpgroup " + std::to_string(g) +
               " may still read the tile: this thread waited for nothing that comes after it";
    *grain = {int32_t(a.copies.size()) + 1, {}};
  }
  if (!text.empty())
    fault(thread, place, text);
  if (!a.stores.empty())
    std::fill_n(a.stores.begin() + long(offset), tile, Store{});
  memset(copy.to, 0xff, size_t(tile)); // nobody knows what is there until the copy was waited for
  a.open.push_back(a.copies.size());
  a.copies.push_back(copy);
}
}
