//===- warp.cpp - what the threads of a warp do together ------------------===//
#include "runtime/gpu_sim/execute.h"

#include "runtime/cpu/halves.h"

#include <algorithm>
#include <cstring>

using namespace cellgrad::sim;

namespace {
int32_t elementBytes(int32_t type) {
  return type == CG_SIM_F64 ? 8 : type == CG_SIM_I8 ? 1 : type == CG_SIM_F16 || type == CG_SIM_BF16 ? 2 : 4;
}
double element(const void *data, int32_t index, int32_t type) {
  const char *at = static_cast<const char *>(data) + index * elementBytes(type);
  uint16_t half;
  uint32_t word;
  double wide;
  switch (type) {
  case CG_SIM_F16: return memcpy(&half, at, 2), cellgrad::fromHalf(half);
  case CG_SIM_BF16: return memcpy(&half, at, 2), cellgrad::fromBfloat(half);
  case CG_SIM_TF32: return memcpy(&word, at, 4), cellgrad::bitsOf<float>(word & ~uint32_t(0x1fff)); // the last 13 bits are not looked at
  case CG_SIM_F32: return memcpy(&word, at, 4), cellgrad::bitsOf<float>(word);
  case CG_SIM_I8: return *reinterpret_cast<const signed char *>(at);
  case CG_SIM_I32: return memcpy(&word, at, 4), double(int32_t(word));
  default: return memcpy(&wide, at, 8), wide;
  }
}
void setElement(void *data, int32_t index, int32_t type, double value) {
  char *at = static_cast<char *>(data) + index * elementBytes(type);
  uint16_t half = type == CG_SIM_F16 ? cellgrad::toHalf(float(value)) : 0;
  float single = float(value);
  int32_t word = type == CG_SIM_I32 ? int32_t(uint32_t(int64_t(value))) : 0; // wraps
  switch (type) {
  case CG_SIM_F16: memcpy(at, &half, 2); break;
  case CG_SIM_I32: memcpy(at, &word, 4); break;
  case CG_SIM_F64: memcpy(at, &value, 8); break;
  default: memcpy(at, &single, 4); break;
  }
}

struct Shuffle {
  int64_t bits;
  int32_t offset, width, mode;
  cg_sim_shuffled result;
};
struct Product {
  const void *a, *b, *c;
  void *d;
};

/// Fragments as PTX lays them out ("Matrix Fragments for mma.m16n8k*"): with g = lane / 4 and t = lane % 4, a register of e elements has for a
/// the row g + 8 (register % 2) and columns from e t + 4 e (register / 2); for b the column g and rows from e t + 4 e register; c and d have pairs
/// of columns from 2 t in row g + 8 register.
///
/// Products of the 16-bit types and of tf32 are exact in T = float; sums are rounded one by one, those of f16 once more at the end.
template <typename T> void multiply(Lane *lanes, int32_t m, int32_t k, int32_t type, int32_t sumType) {
  constexpr int32_t kMaxK = 64, n = 8;
  T a[16][kMaxK], b[kMaxK][n], sum[16][n];
  int32_t e = std::max(1, 4 / elementBytes(type)), aRegisters = m * k / 32 / e, bRegisters = k * n / 32 / e, cRegisters = m * n / 64;
  for (int32_t lane = 0; lane < 32; ++lane) {
    const auto &own = *static_cast<const Product *>(lanes[lane].exchange);
    int32_t g = lane / 4, t = lane % 4;
    for (int32_t r = 0; r < aRegisters; ++r)
      for (int32_t j = 0; j < e; ++j) {
        int32_t row = m == 16 ? g + 8 * (r & 1) : g, column = e * t + j + 4 * e * (m == 16 ? r >> 1 : r);
        a[row][column] = T(element(own.a, r * e + j, type));
      }
    for (int32_t r = 0; r < bRegisters; ++r)
      for (int32_t j = 0; j < e; ++j)
        b[e * t + j + 4 * e * r][g] = T(element(own.b, r * e + j, type));
    for (int32_t r = 0; r < cRegisters; ++r)
      for (int32_t j = 0; j < 2; ++j)
        sum[g + 8 * r][2 * t + j] = T(element(own.c, 2 * r + j, sumType));
  }
  for (int32_t i = 0; i < m; ++i)
    for (int32_t l = 0; l < k; ++l)
      for (int32_t j = 0; j < n; ++j)
        sum[i][j] += a[i][l] * b[l][j];
  for (int32_t lane = 0; lane < 32; ++lane) {
    const auto &own = *static_cast<const Product *>(lanes[lane].exchange);
    for (int32_t r = 0; r < cRegisters; ++r)
      for (int32_t j = 0; j < 2; ++j)
        setElement(own.d, 2 * r + j, sumType, double(sum[lane / 4 + 8 * r][2 * (lane % 4) + j]));
  }
}
} // namespace

extern "C" cg_sim_shuffled cg_sim_shuffle(cg_sim_thread *thread, int32_t op, const char *place, int64_t bits, int32_t offset, int32_t width, int32_t mode) {
  Shuffle own = {bits, offset, width, mode, {bits, 0}};
  if (width < 1 || width > 32)
    fault(thread, place, "a shuffle's width is " + std::to_string(width) + ", not 1 to 32");
  together(thread, op, "a shuffle", place, &own, [](Lane *lanes, int32_t count) {
    for (int32_t i = 0; i < count; ++i) {
      auto &to = *static_cast<Shuffle *>(lanes[i].exchange);
      int64_t from = to.mode == CG_SIM_XOR ? int64_t(i) ^ to.offset : to.mode == CG_SIM_UP ? int64_t(i) - to.offset : to.mode == CG_SIM_DOWN ? int64_t(i) + to.offset : to.offset;
      to.result.valid = from >= 0 && from < to.width;
      if (to.result.valid) // of a lane that does not exist nobody knows the value
        to.result.bits = from < count ? static_cast<Shuffle *>(lanes[from].exchange)->bits : -1;
    }
  });
  return own.result;
}

extern "C" void cg_sim_mma(cg_sim_thread *thread, int32_t op, const char *place, int32_t m, int32_t n, int32_t k, int32_t type, int32_t sumType, const void *a,
                           const void *b, const void *c, void *d) {
  Product own = {a, b, c, d};
  together(thread, op, "a matrix product", place, &own, [=](Lane *lanes, int32_t count) {
    if (count < 32)
      fault(thread, place, "a matrix product in a warp of only " + std::to_string(count) + " threads");
    if (sumType == CG_SIM_F16 || sumType == CG_SIM_F32)
      multiply<float>(lanes, m, k, type, sumType);
    else // doubles hold sums of 8-bit products exactly
      multiply<double>(lanes, m, k, type, sumType);
  });
}

extern "C" void cg_sim_ldmatrix(cg_sim_thread *thread, int32_t op, const char *place, const void *row, int32_t tiles, int32_t transpose, void *out) {
  auto *self = reinterpret_cast<Lane *>(thread);
  struct Own {
    const void *row;
    void *out;
  } own = {row, out};
  if (self->context.lane < 8 * tiles && reinterpret_cast<uintptr_t>(row) % 16)
    fault(thread, place, "ldmatrix: the address of a row is not a multiple of 16 bytes");
  if (place && self->context.lane < 8 * tiles)
    cg_sim_access(thread, place, row, 16, 16, CG_SIM_LOAD, 1);
  together(thread, op, "ldmatrix", place, &own, [=](Lane *lanes, int32_t count) {
    if (count < 32)
      fault(thread, place, "ldmatrix in a warp of only " + std::to_string(count) + " threads");
    for (int32_t lane = 0; lane < 32; ++lane)
      for (int32_t tile = 0; tile < tiles; ++tile)
        for (int32_t j = 0; j < 2; ++j) {
          int32_t r = transpose ? 2 * (lane % 4) + j : lane / 4, column = transpose ? lane / 4 : 2 * (lane % 4) + j;
          const char *from = static_cast<const char *>(static_cast<Own *>(lanes[8 * tile + r].exchange)->row) + 2 * column;
          memcpy(static_cast<char *>(static_cast<Own *>(lanes[lane].exchange)->out) + 4 * tile + 2 * j, from, 2);
        }
  });
}

extern "C" void cg_sim_async_copy(cg_sim_thread *thread, const char *place, void *to, const void *from, int32_t bytes, int32_t read) {
  auto *self = reinterpret_cast<Lane *>(thread);
  if ((bytes != 4 && bytes != 8 && bytes != 16) || read < 0 || read > bytes)
    fault(thread, place, "an asynchronous copy of " + std::to_string(bytes) + " bytes, " + std::to_string(read) + " of them read");
  if ((reinterpret_cast<uintptr_t>(to) | reinterpret_cast<uintptr_t>(from)) % uint32_t(bytes))
    fault(thread, place, "an address of an asynchronous copy is not a multiple of " + std::to_string(bytes) + " bytes");
  memset(to, 0xff, size_t(bytes)); // nobody knows what is there until the copy was waited for
  self->copies.push_back({to, from, bytes, read, self->asyncGroup, place});
}

extern "C" void cg_sim_async_commit(cg_sim_thread *thread) { ++reinterpret_cast<Lane *>(thread)->asyncGroup; }

extern "C" void cg_sim_async_wait(cg_sim_thread *thread, int32_t left) {
  auto *self = reinterpret_cast<Lane *>(thread);
  size_t done = 0;
  // What is in no group yet is not waited for, except at the end of the thread.
  for (; done < self->copies.size(); ++done) {
    const AsyncCopy &copy = self->copies[done];
    if (copy.group >= self->asyncGroup - left)
      break;
    if (copy.place) { // a checked kernel
      if (copy.read)
        cg_sim_access(thread, copy.place, copy.from, copy.read, copy.read == copy.bytes ? copy.bytes : 1, CG_SIM_LOAD, 1);
      cg_sim_access(thread, copy.place, copy.to, copy.bytes, copy.bytes, CG_SIM_STORE, 1);
    }
    memcpy(copy.to, copy.from, size_t(copy.read));
    memset(static_cast<char *>(copy.to) + copy.read, 0, size_t(copy.bytes - copy.read));
  }
  self->copies.erase(self->copies.begin(), self->copies.begin() + long(done));
}
