//===- tensor_map.cpp - tensors in global memory as bulk copies see them ---===//
#include "runtime/gpu_sim/hopper.h"
#include "runtime/sim_driver/driver.h"

#include <cstring>

using namespace cellgrad::sim;

namespace {
/// What the 128 bytes hold here. A real driver's are secret; both are only handed on.
struct TensorMap {
  uint64_t magic;
  const char *address;
  uint64_t strides[5]; // in bytes, innermost first
  uint64_t sizes[5];
  uint8_t lastOfBox[5]; // box - 1
  uint8_t rank, elementBytes, swizzleBits;
  uint64_t checksum;
};
static_assert(sizeof(TensorMap) <= CU_TENSOR_MAP_BYTES);
constexpr uint64_t kMagic = 0x70616d2d6c6c6563;

uint64_t checksumOf(const TensorMap &map) { // FNV-1a
  uint64_t hash = 0xcbf29ce484222325;
  for (size_t i = 0; i < offsetof(TensorMap, checksum); ++i)
    hash = (hash ^ reinterpret_cast<const unsigned char *>(&map)[i]) * 0x100000001b3;
  return hash;
}

TensorMap mapOf(const BulkCopy &copy) {
  TensorMap map;
  memcpy(&map, copy.map, sizeof map);
  return map;
}

/// Calls `row(number, address, first, count)` for each row of the tile; of its elements `count` from `first` on lie inside of the tensor.
template <typename Row> void forEachRow(const TensorMap &map, const BulkCopy &copy, Row row) {
  int64_t rows = 1, inner = map.lastOfBox[0] + 1;
  for (int32_t d = 1; d < map.rank; ++d)
    rows *= map.lastOfBox[d] + 1;
  int64_t first = std::clamp<int64_t>(-copy.at[0], 0, inner), end = std::clamp<int64_t>(int64_t(map.sizes[0]) - copy.at[0], first, inner);
  for (int64_t r = 0; r < rows; ++r) {
    const char *address = map.address + (copy.at[0] + first) * map.elementBytes;
    bool inside = end > first;
    int64_t rest = r;
    for (int32_t d = 1; d < map.rank; ++d) {
      int64_t at = copy.at[d] + rest % (map.lastOfBox[d] + 1);
      rest /= map.lastOfBox[d] + 1;
      inside &= at >= 0 && at < int64_t(map.sizes[d]);
      address += at * int64_t(map.strides[d]);
    }
    row(r, address, first, inside ? end - first : 0);
  }
}
} // namespace

int64_t cellgrad::sim::tileBytes(const void *from, int32_t rank, int32_t &swizzleBits, std::string &text) {
  TensorMap map;
  memcpy(&map, from, sizeof map);
  if (map.magic != kMagic || map.checksum != checksumOf(map))
    text = "the argument is no tensor map that cuTensorMapEncodeTiled made";
  else if (map.rank != rank)
    text = std::to_string(rank) + " coordinates for a tensor map of rank " + std::to_string(map.rank);
  if (!text.empty())
    return -1;
  int64_t inner = (map.lastOfBox[0] + 1) * map.elementBytes, bytes = inner;
  for (int32_t d = 1; d < rank; ++d)
    bytes *= map.lastOfBox[d] + 1;
  swizzleBits = map.swizzleBits;
  if (swizzleBits && inner != 16 << swizzleBits) {
    text = "a tile whose rows of " + std::to_string(inner) + " bytes are shorter than the swizzle's " + std::to_string(16 << swizzleBits) + " is not simulated";
    return -1;
  }
  return bytes;
}

std::vector<std::pair<const char *, size_t>> cellgrad::sim::sourceRows(const BulkCopy &copy) {
  TensorMap map = mapOf(copy);
  std::vector<std::pair<const char *, size_t>> rows;
  forEachRow(map, copy, [&](int64_t, const char *address, int64_t, int64_t count) {
    if (count)
      rows.emplace_back(address, size_t(count) * map.elementBytes);
  });
  return rows;
}

void cellgrad::sim::copyTile(const BulkCopy &copy, char *shared, uint32_t base) {
  TensorMap map = mapOf(copy);
  int64_t bytes = (map.lastOfBox[0] + 1) * map.elementBytes;
  std::vector<char> buffer(static_cast<size_t>(bytes));
  forEachRow(map, copy, [&](int64_t r, const char *address, int64_t first, int64_t count) {
    std::fill(buffer.begin(), buffer.end(), 0); // what lies outside of the tensor
    if (count)
      memcpy(buffer.data() + first * map.elementBytes, address, size_t(count) * map.elementBytes);
    for (int64_t i = 0; i < bytes; i += 16) {
      auto plain = uint32_t(copy.to - shared + r * bytes + i) + base;
      memcpy(shared + (swizzled(plain, map.swizzleBits) - base), buffer.data() + i, 16);
    }
  });
}

extern "C" CUresult cuTensorMapEncodeTiled(void *out, int type, unsigned rank, void *address, const unsigned long long *sizes, const unsigned long long *strides,
                                           const unsigned *box, const unsigned *elementStrides, int interleave, int swizzle, int l2Promotion, int oobFill) {
  constexpr uint8_t kBytes[] = {1, 2, 4, 4, 8, 8, 2, 4, 8, 2, 4, 4, 4}; // by CUtensorMapDataType
  auto no = [](const std::string &text, CUresult code = CUDA_ERROR_INVALID_VALUE) { return refuse(code, "cuTensorMapEncodeTiled: " + text); };
  if (!out || !address || !sizes || !box || !elementStrides || (rank > 1 && !strides))
    return no("a null pointer");
  if (reinterpret_cast<uintptr_t>(out) % 64)
    return no("the map is not aligned to 64 bytes");
  if (type < 0 || type >= int(sizeof kBytes))
    return no("data type " + std::to_string(type));
  if (rank < 1 || rank > 5)
    return no("rank " + std::to_string(rank) + " is not 1 to 5");
  if (reinterpret_cast<uintptr_t>(address) % 16)
    return no("the tensor's address is not a multiple of 16");
  if (interleave < 0 || interleave > 2 || swizzle < 0 || swizzle > 3 || l2Promotion < 0 || l2Promotion > 3 || oobFill < 0 || oobFill > 1)
    return no("interleave, swizzle, promotion or fill is none of the known ones");
  if (interleave || oobFill)
    return no("interleaved tensors and fills with NaN are not simulated", CUDA_ERROR_NOT_SUPPORTED);
  TensorMap map = {};
  map.magic = kMagic, map.address = static_cast<const char *>(address);
  map.rank = uint8_t(rank), map.elementBytes = kBytes[type], map.swizzleBits = uint8_t(swizzle);
  for (unsigned d = 0; d < rank; ++d) {
    std::string which = " of dimension " + std::to_string(d);
    if (!sizes[d] || sizes[d] > 1ull << 32)
      return no("size " + std::to_string(sizes[d]) + which + " is not 1 to 2^32");
    if (!box[d] || box[d] > 256)
      return no("box " + std::to_string(box[d]) + which + " is not 1 to 256");
    if (!elementStrides[d] || elementStrides[d] > 8)
      return no("element stride " + std::to_string(elementStrides[d]) + which + " is not 1 to 8");
    if (elementStrides[d] != 1)
      return no("element strides other than 1 are not simulated", CUDA_ERROR_NOT_SUPPORTED);
    if (d && (strides[d - 1] % 16 || strides[d - 1] >= 1ull << 40))
      return no("stride " + std::to_string(strides[d - 1]) + which + " is not a multiple of 16 below 2^40");
    map.sizes[d] = sizes[d], map.lastOfBox[d] = uint8_t(box[d] - 1), map.strides[d] = d ? strides[d - 1] : map.elementBytes;
  }
  unsigned inner = box[0] * map.elementBytes;
  if (inner % 16)
    return no("a row of the box has " + std::to_string(inner) + " bytes, no multiple of 16");
  if (swizzle && inner > 16u << swizzle)
    return no("a row of the box has " + std::to_string(inner) + " bytes, more than the swizzle's " + std::to_string(16u << swizzle));
  map.checksum = checksumOf(map);
  memset(out, 0, CU_TENSOR_MAP_BYTES);
  memcpy(out, &map, sizeof map);
  return CUDA_SUCCESS;
}
