//===- wgmma.cpp - matrix products of warpgroups ---------------------------===//
#include "runtime/gpu_sim/execute.h"

#include "runtime/cpu/halves.h"

#include <cstring>

using namespace cellgrad::sim;

namespace {
constexpr int32_t kRows = 64, kDepth = 16, kMostColumns = 256;

/// A matrix descriptor of PTX ("Matrix Descriptor Format" of wgmma): where a factor lies in shared memory. The meaning of the two distances depends on the
/// way the factor lies there; CUTLASS's make_gmma_desc has the same table of canonical layouts.
struct Factor {
  uint32_t start, leading, stride;
  int32_t bits; // of the swizzle
};

Factor decode(cg_sim_thread *thread, const char *place, char which, uint64_t descriptor) {
  constexpr uint64_t kUsed = 0xc00e3fff3fff3fff; // 0-13, 16-29, 32-45, 49-51, 62-63
  constexpr int32_t kBits[] = {0, 3, 2, 1};      // modes: none, 128, 64, 32 bytes
  std::string name = std::string("the descriptor of factor ") + which;
  if (descriptor & ~kUsed)
    fault(thread, place, name + " has bits set that mean nothing");
  if (descriptor >> 49 & 7)
    fault(thread, place, name + " has a base offset; only patterns that begin at multiples of their size are simulated");
  auto field = [&](int32_t bit) { return uint32_t(descriptor >> bit & 0x3fff) << 4; };
  return {field(0), field(16), field(32), kBits[descriptor >> 62]};
}

/// Reads `rows` x 16 (A), or its transpose (B), into `to`: element (row, k) comes to to[row * rowStep + k * depthStep].
struct Reader {
  Lane *lanes;
  cg_sim_thread *thread;
  const char *place;
  uint32_t number;
  int32_t type;

  void chunk(char which, const Factor &factor, uint32_t distance, float *to, int32_t step) const {
    size_t bytes;
    char *shared = sharedMemory(bytes);
    uint32_t address = swizzled(factor.start + distance, factor.bits);
    size_t offset = size_t(address) - CG_SIM_SHARED_BASE;
    if (address < CG_SIM_SHARED_BASE || offset + 16 > bytes)
      fault(thread, place, std::string("the descriptor of factor ") + which + " leads to address " + std::to_string(address) + " of shared memory, which the block has from " +
                               std::to_string(CG_SIM_SHARED_BASE) + " to " + std::to_string(CG_SIM_SHARED_BASE + bytes));
    std::string wrong = readByProduct(lanes, lanes->index / 128, number, offset, place);
    if (!wrong.empty())
      fault(thread, place, wrong);
    for (int32_t i = 0; i < 8; ++i) {
      uint16_t half;
      memcpy(&half, shared + offset + 2 * i, 2);
      to[i * step] = type == CG_SIM_F16 ? cellgrad::fromHalf(half) : cellgrad::fromBfloat(half);
    }
  }

  /// Chunks of 16 bytes; rows of a swizzled pattern have 2, 4 or 8 of them. Where k runs innermost, groups of 8 rows lie `stride` apart (and, not swizzled,
  /// the two halves of k `leading`). Where the rows do, the patterns' widths of rows lie `leading` apart and groups of 8 k `stride`; not swizzled the other way round.
  void read(char which, uint64_t descriptor, bool transposed, int32_t rows, float *to, int32_t rowStep, int32_t depthStep) const {
    Factor factor = decode(thread, place, which, descriptor);
    uint32_t width = 1u << factor.bits, pitch = 16 * width;
    bool plain = !factor.bits;
    if (!transposed) {
      for (uint32_t row = 0; row < uint32_t(rows); ++row)
        for (uint32_t half = 0; half < 2; ++half)
          chunk(which, factor, row % 8 * pitch + row / 8 * factor.stride + half * (plain ? factor.leading : 16), to + int32_t(row) * rowStep + int32_t(half) * 8 * depthStep, depthStep);
      return;
    }
    for (uint32_t k = 0; k < kDepth; ++k)
      for (uint32_t c = 0; c < uint32_t(rows) / 8; ++c)
        chunk(which, factor, c % width * 16 + c / width * (plain ? factor.stride : factor.leading) + k % 8 * pitch + k / 8 * (plain ? factor.leading : factor.stride),
              to + int32_t(c) * 8 * rowStep + int32_t(k) * depthStep, rowStep);
  }
};

uint64_t hashOf(const float *values, int32_t count) { // FNV-1a by words
  uint64_t hash = 0xcbf29ce484222325;
  for (int32_t i = 0; i < count; ++i) {
    uint32_t word;
    memcpy(&word, values + i, 4);
    hash = (hash ^ word) * 0x100000001b3;
  }
  return hash;
}

struct Own {
  int64_t a, b;
  const float *in;
  float *out;
};

/// What a product left in these registers, if nothing has changed them since; of several with the same sums the first.
Sums *leftIn(AsyncLane &lane, const float *values, int32_t count) {
  uint64_t hash = hashOf(values, count);
  auto found = std::find_if(lane.sums.begin(), lane.sums.end(), [&](const Sums &sums) { return sums.hash == hash; });
  return found == lane.sums.end() ? nullptr : &*found;
}

/// Registers that the threads wrote, or used, need wgmma.fence before a product; sums that products left do not.
void checkFences(Lane *lanes, cg_sim_thread *thread, const char *place, int32_t n) {
  for (int32_t i = 0; i < 128; ++i) {
    AsyncLane &lane = lanes[i].async;
    const Sums *sums = leftIn(lane, static_cast<Own *>(lanes[i].exchange)->in, n / 2);
    if (sums && sums->used)
      fault(thread, place, "the sums were used by the threads, and there was no wgmma.fence after that (thread " + std::to_string(lanes[i].index) + " of the block)");
    if (!sums && !lane.fenced)
      fault(thread, place, "the sums were written by the threads, and there was no wgmma.fence since the last commit (thread " + std::to_string(lanes[i].index) + " of the block)");
  }
}
} // namespace

extern "C" {

void cg_sim_wgmma(cg_sim_thread *thread, int32_t op, const char *place, int64_t a, int64_t b, int32_t n, int32_t type, int32_t flags, const float *in, float *out) {
  Own own = {a, b, in, out};
  together(
      thread, op, "a warpgroup's product", place, &own,
      [=](Lane *lanes, int32_t count) {
        if (count < 128)
          fault(thread, place, "a warpgroup's product in one of only " + std::to_string(count) + " threads");
        for (int32_t i = 0; i < 128; ++i) {
          const auto &other = *static_cast<Own *>(lanes[i].exchange);
          if (other.a != a || other.b != b)
            fault(thread, place, "the threads of the warpgroup have different descriptors");
        }
        checkFences(lanes, thread, place, n);
        static float left[kRows * kDepth], right[kDepth * kMostColumns], sums[kRows * kMostColumns];
        uint32_t number = lanes[0].async.issued + 1;
        Reader reader = {lanes, thread, place, number, type};
        reader.read('A', uint64_t(a), flags & CG_SIM_TRANSPOSE_A, kRows, left, kDepth, 1);
        reader.read('B', uint64_t(b), flags & CG_SIM_TRANSPOSE_B, n, right, 1, n);
        // Fragments of D: with g = lane / 4 and t = lane % 4, register 4 j + 2 h + i is row 16 warp + g + 8 h, column 8 j + 2 t + i.
        auto forEach = [&](auto work) {
          for (int32_t thread = 0; thread < 128; ++thread)
            for (int32_t r = 0; r < n / 2; ++r)
              work(static_cast<Own *>(lanes[thread].exchange), r, sums[(thread / 32 * 16 + thread % 32 / 4 + 8 * (r / 2 % 2)) * n + r / 4 * 8 + thread % 4 * 2 + r % 2]);
        };
        forEach([&](Own *of, int32_t r, float &sum) { sum = flags & CG_SIM_ADDS ? of->in[r] : 0.0f; });
        // Products of the 16-bit types are exact, sums are rounded one by one in the order of k.
        for (int32_t i = 0; i < kRows; ++i)
          for (int32_t k = 0; k < kDepth; ++k) {
            float x = flags & CG_SIM_NEGATE ? -left[i * kDepth + k] : left[i * kDepth + k];
            for (int32_t j = 0; j < n; ++j)
              sums[i * n + j] += x * right[k * n + j];
          }
        forEach([&](Own *of, int32_t r, float &sum) { of->out[r] = sum; });
        for (int32_t i = 0; i < 128; ++i) {
          AsyncLane &lane = lanes[i].async;
          lane.issued = number;
          // All that may still be used too early, and some that are done.
          if (lane.sums.size() >= 16 && lane.sums.front().product <= lane.known[Known::product(lanes[i].index / 128)])
            lane.sums.erase(lane.sums.begin());
          lane.sums.push_back({hashOf(static_cast<Own *>(lanes[i].exchange)->out, n / 2), number, false});
        }
      },
      128);
}

void cg_sim_wgmma_fence(cg_sim_thread *thread) {
  AsyncLane &lane = reinterpret_cast<Lane *>(thread)->async;
  lane.fenced = true;
  for (Sums &sums : lane.sums)
    sums.used = false;
}

void cg_sim_wgmma_commit(cg_sim_thread *thread) {
  AsyncLane &lane = reinterpret_cast<Lane *>(thread)->async;
  lane.groups.push_back(lane.issued);
  lane.fenced = false;
}

void cg_sim_wgmma_wait(cg_sim_thread *thread, int32_t left) {
  auto &lane = *reinterpret_cast<Lane *>(thread);
  auto &groups = lane.async.groups;
  if (groups.size() <= size_t(left))
    return;
  size_t done = groups.size() - size_t(left);
  lane.async.known.raise(Known::product(lane.index / 128), groups[done - 1]);
  groups.erase(groups.begin(), groups.begin() + long(done));
}

void cg_sim_wgmma_use(cg_sim_thread *thread, const char *place, const float *values, int32_t count) {
  auto &lane = *reinterpret_cast<Lane *>(thread);
  Sums *sums = leftIn(lane.async, values, count);
  if (!sums)
    return;
  if (sums->product > lane.async.known[Known::product(lane.index / 128)])
    fault(thread, place, "the sums of a product are used before wgmma.wait_group says that it is done");
  sums->used = true;
}
}
