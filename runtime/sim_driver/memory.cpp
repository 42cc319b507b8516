//===- memory.cpp - the simulator's device memory -------------------------===//
#include "runtime/sim_driver/memory.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>

namespace cellgrad::sim {

namespace {
constexpr size_t kAlignment = 512; // as the driver gives
constexpr size_t kQuarantine = size_t(64) << 20;

std::map<uintptr_t, Allocation> &table() {
  static auto *blocks = new std::map<uintptr_t, Allocation>; // lives as long as the process, whatever is unloaded first
  return *blocks;
}
std::deque<uintptr_t> &quarantine() {
  static auto *addresses = new std::deque<uintptr_t>;
  return *addresses;
}
size_t used, quarantined;
uint64_t count;
Allocation *last;
} // namespace

size_t totalBytes() {
  static const size_t total = [] {
    const char *text = getenv("CELLGRAD_SIM_MEMORY");
    unsigned long long bytes = text ? strtoull(text, nullptr, 10) : 0;
    return bytes ? size_t(bytes) : size_t(16) << 30;
  }();
  return total;
}
size_t usedBytes() { return used; }

void *allocate(size_t bytes, int device) {
  size_t size = (bytes + kAlignment - 1) / kAlignment * kAlignment;
  if (size < bytes || size > totalBytes() - used)
    return nullptr;
  char *memory = static_cast<char *>(aligned_alloc(kAlignment, size));
  if (!memory)
    return nullptr;
  memset(memory, 0xff, size);
  used += size;
  last = nullptr;
  table()[reinterpret_cast<uintptr_t>(memory)] = {memory, bytes, ++count, device, false, nullptr};
  return memory;
}

static size_t rounded(const Allocation &block) { return (block.bytes + kAlignment - 1) / kAlignment * kAlignment; }

bool release(void *address) {
  auto it = table().find(reinterpret_cast<uintptr_t>(address));
  if (it == table().end() || it->second.freed)
    return false;
  Allocation &block = it->second;
  block.freed = true;
  block.records.reset();
  memset(block.base, 0xff, block.bytes);
  used -= rounded(block);
  quarantined += rounded(block);
  quarantine().push_back(it->first);
  while (quarantined > kQuarantine) {
    auto old = table().find(quarantine().front());
    quarantine().pop_front();
    quarantined -= rounded(old->second);
    free(old->second.base);
    table().erase(old);
  }
  last = nullptr;
  return true;
}

void forgetRecords() {
  for (auto &entry : table())
    entry.second.records.reset();
}

Allocation *find(const void *address) {
  auto at = reinterpret_cast<uintptr_t>(address);
  auto holds = [&](const Allocation &block) { return at >= reinterpret_cast<uintptr_t>(block.base) && at - reinterpret_cast<uintptr_t>(block.base) < block.bytes; };
  if (last && holds(*last))
    return last;
  auto it = table().upper_bound(at);
  if (it == table().begin())
    return nullptr;
  Allocation &block = (--it)->second;
  if (!holds(block))
    return nullptr;
  return last = &block;
}

std::string describeFault(const void *address, size_t bytes) {
  char text[200];
  Allocation *block = find(address);
  size_t offset = block ? size_t(static_cast<const char *>(address) - block->base) : 0;
  if (block && !block->freed && bytes <= block->bytes - offset)
    return {};
  if (!bytes)
    return {};
  auto at = reinterpret_cast<uintptr_t>(address);
  if (block && block->freed)
    snprintf(text, sizeof text, "address %p is in a block of %zu bytes that was freed", address, block->bytes);
  else if (block)
    snprintf(text, sizeof text, "%zu bytes at %p end %zu bytes behind a block of %zu bytes", bytes, address,
             bytes - (block->bytes - offset), block->bytes);
  else {
    auto next = table().upper_bound(at);
    const Allocation *before = next == table().begin() ? nullptr : &std::prev(next)->second;
    if (before && at - reinterpret_cast<uintptr_t>(before->base) - before->bytes < (size_t(1) << 20))
      snprintf(text, sizeof text, "address %p lies %zu bytes behind a block of %zu bytes", address,
               size_t(at - reinterpret_cast<uintptr_t>(before->base) - before->bytes), before->bytes);
    else
      snprintf(text, sizeof text, "address %p is not device memory", address);
  }
  return text;
}

} // namespace cellgrad::sim
