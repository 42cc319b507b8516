//===- vector.cpp - the vector unit's operations ---------------------------===//
#include "runtime/ascend_sim/elements.h"

#include <cmath>
#include <vector>

#ifdef __x86_64__
#include <immintrin.h>
#endif

namespace cellgrad::ascend {

//===----------------------------------------------------------------------===//
// 16-bit floats
//===----------------------------------------------------------------------===//

#ifdef __x86_64__
static bool hasF16c() {
  static const bool has = __builtin_cpu_supports("avx") && __builtin_cpu_supports("f16c");
  return has;
}
__attribute__((target("avx,f16c"))) static int64_t halvesToFloatsF16c(const uint16_t *from, float *to, int64_t count) {
  int64_t i = 0;
  for (; i + 8 <= count; i += 8)
    _mm256_storeu_ps(to + i, _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i *>(from + i))));
  return i;
}
__attribute__((target("avx,f16c"))) static int64_t floatsToHalvesF16c(const float *from, uint16_t *to, int64_t count) {
  int64_t i = 0;
  for (; i + 8 <= count; i += 8)
    _mm_storeu_si128(reinterpret_cast<__m128i *>(to + i), _mm256_cvtps_ph(_mm256_loadu_ps(from + i), _MM_FROUND_TO_NEAREST_INT));
  return i;
}
#else
static bool hasF16c() { return false; }
static int64_t halvesToFloatsF16c(const uint16_t *, float *, int64_t) { return 0; }
static int64_t floatsToHalvesF16c(const float *, uint16_t *, int64_t) { return 0; }
#endif

void halvesToFloats(const uint16_t *from, float *to, int64_t count) {
  for (int64_t i = hasF16c() ? halvesToFloatsF16c(from, to, count) : 0; i < count; ++i)
    to[i] = fromHalf(from[i]);
}
void floatsToHalves(const float *from, uint16_t *to, int64_t count) {
  for (int64_t i = hasF16c() ? floatsToHalvesF16c(from, to, count) : 0; i < count; ++i)
    to[i] = toHalf(from[i]);
}

namespace {
//===----------------------------------------------------------------------===//
// What is computed
//===----------------------------------------------------------------------===//

template <typename W, typename F> void each(const W *a, const W *b, W *out, int64_t count, F compute) {
  for (int64_t i = 0; i < count; ++i)
    out[i] = compute(a[i], b[i]);
}

/// Sums of integers wrap around. NaN is larger and smaller than everything.
template <typename W> void binary(int kind, const W *a, const W *b, W *out, int64_t n) {
  if constexpr (std::is_same_v<W, float>) {
    switch (kind) {
    case CG_ASCEND_ADD: return each(a, b, out, n, [](float x, float y) { return x + y; });
    case CG_ASCEND_SUB: return each(a, b, out, n, [](float x, float y) { return x - y; });
    case CG_ASCEND_MUL: return each(a, b, out, n, [](float x, float y) { return x * y; });
    case CG_ASCEND_DIV: return each(a, b, out, n, [](float x, float y) { return x / y; });
    case CG_ASCEND_MAX: return each(a, b, out, n, [](float x, float y) { return x > y || x != x ? x : y; });
    case CG_ASCEND_MIN: return each(a, b, out, n, [](float x, float y) { return x < y || x != x ? x : y; });
    default: return;
    }
  } else {
    using U = std::make_unsigned_t<W>;
    constexpr W kBits = sizeof(W) * 8;
    switch (kind) {
    case CG_ASCEND_ADD: return each(a, b, out, n, [](W x, W y) { return W(U(x) + U(y)); });
    case CG_ASCEND_SUB: return each(a, b, out, n, [](W x, W y) { return W(U(x) - U(y)); });
    case CG_ASCEND_MUL: return each(a, b, out, n, [](W x, W y) { return W(U(x) * U(y)); });
    case CG_ASCEND_DIV: return each(a, b, out, n, [](W x, W y) { return y == 0 ? W(0) : y == -1 ? W(U(0) - U(x)) : W(x / y); });
    case CG_ASCEND_MAX: return each(a, b, out, n, [](W x, W y) { return x > y ? x : y; });
    case CG_ASCEND_MIN: return each(a, b, out, n, [](W x, W y) { return x < y ? x : y; });
    case CG_ASCEND_AND: return each(a, b, out, n, [](W x, W y) { return x & y; });
    case CG_ASCEND_OR: return each(a, b, out, n, [](W x, W y) { return x | y; });
    case CG_ASCEND_XOR: return each(a, b, out, n, [](W x, W y) { return x ^ y; });
    case CG_ASCEND_SHL: return each(a, b, out, n, [](W x, W y) { return y < 0 || y >= kBits ? W(0) : W(U(x) << y); });
    case CG_ASCEND_SHR: return each(a, b, out, n, [](W x, W y) { return x >> (y < 0 || y >= kBits ? kBits - 1 : y); });
    default: return;
    }
  }
}

template <typename W> void unary(int kind, const W *x, W *out, int64_t n) {
  auto map = [&](auto compute) {
    for (int64_t i = 0; i < n; ++i)
      out[i] = compute(x[i]);
  };
  switch (kind) {
  case CG_ASCEND_RELU: return map([](W v) { return v > 0 || v != v ? v : W(0); });
  case CG_ASCEND_NEG:
    if constexpr (std::is_same_v<W, float>)
      return map([](W v) { return -v; });
    else
      return map([](W v) { return W(std::make_unsigned_t<W>(0) - std::make_unsigned_t<W>(v)); });
  case CG_ASCEND_ABS: return map([](W v) { return std::is_same_v<W, float> ? W(std::fabs(float(v))) : v < 0 ? W(-v) : v; });
  default: break;
  }
  if constexpr (std::is_same_v<W, float>) {
    switch (kind) {
    case CG_ASCEND_EXP: return map([](float v) { return std::exp(v); });
    case CG_ASCEND_LN: return map([](float v) { return std::log(v); });
    case CG_ASCEND_SQRT: return map([](float v) { return std::sqrt(v); });
    case CG_ASCEND_RSQRT: return map([](float v) { return float(1 / std::sqrt(double(v))); });
    case CG_ASCEND_REC: return map([](float v) { return 1 / v; });
    default: return;
    }
  } else if (kind == CG_ASCEND_NOT) {
    return map([](W v) { return W(~v); });
  }
}

template <typename W> void compare(int kind, const W *a, const W *b, int32_t *out, int64_t n) {
  auto map = [&](auto holds) {
    for (int64_t i = 0; i < n; ++i)
      out[i] = holds(a[i], b[i]);
  };
  switch (kind) {
  case CG_ASCEND_EQ: return map([](W x, W y) { return x == y; });
  case CG_ASCEND_NE: return map([](W x, W y) { return x != y; });
  case CG_ASCEND_LT: return map([](W x, W y) { return x < y; });
  case CG_ASCEND_LE: return map([](W x, W y) { return x <= y; });
  case CG_ASCEND_GT: return map([](W x, W y) { return x > y; });
  default: return map([](W x, W y) { return x >= y; });
  }
}

/// Calls f(W()) with the type that elements of `type` are computed with.
template <typename F> auto withType(int type, F f) {
  if (type == CG_ASCEND_F16 || type == CG_ASCEND_BF16 || type == CG_ASCEND_F32)
    return f(float());
  return type == CG_ASCEND_I64 ? f(int64_t()) : f(int32_t());
}

void executeCompare(const Operand &a, const Operand &b, const Operand &out, int kind) {
  withType(a.info->type, [&](auto w) {
    using W = decltype(w);
    Operand operands[] = {a, b, out};
    Loops<3> loops(operands);
    Row<W> left, right;
    Row<int32_t> mask;
    left.type = a.info->type, right.type = b.info->type, mask.type = out.info->type;
    left.stride = loops.innerStep(0) / elementBytes(left.type), right.stride = loops.innerStep(1) / elementBytes(right.type), mask.stride = loops.innerStep(2);
    loops.eachRow([&](char *const *at) {
      for (int64_t from = 0, count; from < loops.inner(); from += count) {
        count = std::min(Row<W>::kChunk, loops.inner() - from);
        compare<W>(kind, left.fetch(at[0], from, count), right.fetch(at[1], from, count), mask.place(at[2], from), count);
        mask.put(at[2], from, count);
      }
    });
  });
}

void executeSelect(const Operand &mask, const Operand &a, const Operand &b, const Operand &out) {
  Operand operands[] = {mask, a, b, out};
  Loops<4> loops(operands);
  loops.eachRow([&](char *const *at) {
    auto select = [&](auto element) {
      using T = decltype(element);
      for (int64_t i = 0; i < loops.inner(); ++i)
        *reinterpret_cast<T *>(at[3] + i * loops.innerStep(3)) = *reinterpret_cast<const T *>(at[0][i * loops.innerStep(0)] ? at[1] + i * loops.innerStep(1) : at[2] + i * loops.innerStep(2));
    };
    switch (elementBytes(out.info->type)) {
    case 1: return select(uint8_t());
    case 2: return select(uint16_t());
    case 4: return select(uint32_t());
    default: return select(uint64_t());
    }
  });
}

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

int binaryOf(int reduction) { return reduction == CG_ASCEND_SUM ? CG_ASCEND_ADD : reduction == CG_ASCEND_REDUCE_MAX ? CG_ASCEND_MAX : CG_ASCEND_MIN; }

template <typename W> W combine(int op, W a, W b) {
  W result;
  binary<W>(op, &a, &b, &result, 1);
  return result;
}

/// A row of contiguous values: lane i of 16 takes elements i, i + 16, ...; then lane i takes lane i + 8, i + 4, i + 2, i + 1.
template <typename W> W reduceRow(int op, const W *row, int64_t count) {
  constexpr int64_t kLanes = 16;
  W lanes[kLanes];
  if (count < kLanes) {
    W result = row[0];
    for (int64_t i = 1; i < count; ++i)
      result = combine(op, result, row[i]);
    return result;
  }
  std::copy(row, row + kLanes, lanes);
  int64_t i = kLanes;
  for (; i + kLanes <= count; i += kLanes)
    binary<W>(op, lanes, row + i, lanes, kLanes);
  for (int64_t lane = 0; i < count; ++i, ++lane)
    lanes[lane] = combine(op, lanes[lane], row[i]);
  for (int64_t half = kLanes / 2; half; half /= 2)
    binary<W>(op, lanes, lanes + half, lanes, half);
  return lanes[0];
}

template <typename W> void reduce(const Operand &source, const Operand &out, int kind) {
  const cg_ascend_view &from = *source.view, &to = *out.view;
  int rank = source.info->rank;
  int64_t results = out.elements();
  if (source.elements() == 0)
    return;
  int op = binaryOf(kind);
  std::vector<W> sums(static_cast<size_t>(results)), row;
  std::vector<bool> begun(static_cast<size_t>(results));
  int64_t inner = rank ? from.sizes[rank - 1] : 1, stride = rank ? from.strides[rank - 1] : 1, bytes = elementBytes(source.info->type);
  bool along = !rank || to.sizes[rank - 1] == 1;
  row.resize(static_cast<size_t>(inner));
  int64_t index[CG_ASCEND_MAX_RANK] = {};
  for (;;) {
    int64_t offset = 0, result = 0;
    for (int d = 0; d < rank; ++d) {
      if (d + 1 < rank)
        offset += index[d] * from.strides[d];
      result = result * to.sizes[d] + (d + 1 < rank && to.sizes[d] != 1 ? index[d] : 0);
    }
    widen<W>(source.info->type, from.data + offset * bytes, stride, row.data(), inner);
    if (along) {
      W value = reduceRow(op, row.data(), inner);
      sums[size_t(result)] = begun[size_t(result)] ? combine(op, sums[size_t(result)], value) : value;
    } else if (begun[size_t(result)]) {
      binary<W>(op, &sums[size_t(result)], row.data(), &sums[size_t(result)], inner);
    } else {
      std::copy(row.begin(), row.end(), sums.begin() + result);
    }
    begun[size_t(result)] = true;
    int d = rank - 2;
    for (; d >= 0 && ++index[d] == from.sizes[d]; --d)
      index[d] = 0;
    if (d < 0)
      break;
  }
  cg_ascend_view dense = to;
  dense.data = dense.base = reinterpret_cast<char *>(sums.data());
  int64_t distance = 1;
  for (int d = rank - 1; d >= 0; --d)
    dense.strides[d] = distance, distance *= to.sizes[d];
  cg_ascend_operand info = *out.info;
  info.type = int16_t(kOwnType<W>);
  Operand operands[] = {{&info, &dense}, out};
  elementwise<W>(operands, [](const W *const *in, W *result, int64_t n) { std::copy(in[0], in[0] + n, result); });
}

//===----------------------------------------------------------------------===//
// Gathers, ranges
//===----------------------------------------------------------------------===//

/// The view with its last dimension at `i`... of size 1, for operands that are walked along the others.
Operand firstOfLast(const Operand &operand, cg_ascend_view &view) {
  view = *operand.view;
  view.sizes[operand.info->rank - 1] = 1;
  return {operand.info, &view};
}

std::string executeGather(const Operand &source, const Operand &indices, const Operand &out) {
  int last = out.info->rank - 1;
  int64_t limit = source.view->sizes[last], bytes = elementBytes(out.info->type), count = out.view->sizes[last], wrong = 0;
  bool bad = false;
  cg_ascend_view a, b, c;
  Operand operands[] = {firstOfLast(source, a), firstOfLast(indices, b), firstOfLast(out, c)};
  Loops<3> loops(operands);
  loops.eachRow([&](char *const *at) {
    for (int64_t row = 0; row < loops.inner(); ++row) {
      const char *from = at[0] + row * loops.innerStep(0), *which = at[1] + row * loops.innerStep(1);
      char *to = at[2] + row * loops.innerStep(2);
      for (int64_t j = 0; j < count; ++j) {
        int64_t index = *reinterpret_cast<const int32_t *>(which + j * indices.view->strides[last] * 4);
        if (index < 0 || index >= limit) {
          bad = true, wrong = index;
          continue;
        }
        memcpy(to + j * out.view->strides[last] * bytes, from + index * source.view->strides[last] * bytes, size_t(bytes));
      }
    }
  });
  return bad ? "the index " + std::to_string(wrong) + " is out of bounds of an axis of " + std::to_string(limit) : std::string();
}

void executeRange(const cg_ascend_op &op, const cg_ascend_view *views) {
  Operand out = operandOf(op, views, op.operands - 1);
  const cg_ascend_view &to = *out.view;
  auto scalar = [&](int64_t i) { return int64_t(reinterpret_cast<uintptr_t>(views[i].data)); };
  int rank = out.info->rank;
  int64_t total = out.elements(), bytes = elementBytes(out.info->type);
  for (int64_t i = 0; i < total; ++i) {
    int64_t rest = i, value = scalar(0), offset = 0;
    for (int d = rank - 1; d >= 0; --d) {
      int64_t at = rest % to.sizes[d];
      rest /= to.sizes[d];
      value += at * scalar(1 + d), offset += at * to.strides[d];
    }
    char *place = to.data + offset * bytes;
    if (isFloat(out.info->type))
      writeFloat(out.info->type, place, double(value), CG_ASCEND_RINT);
    else
      narrow<int64_t>(out.info->type, &value, place, 1, 1);
  }
}
} // namespace

void accumulate(const Operand &source, const Operand &out) {
  withType(out.info->type, [&](auto w) {
    using W = decltype(w);
    Operand operands[] = {out, source, out};
    elementwise<W>(operands, [](const W *const *in, W *result, int64_t n) { binary<W>(CG_ASCEND_ADD, in[0], in[1], result, n); });
  });
}

std::string executeVector(const cg_ascend_op &op, const cg_ascend_view *views) {
  auto operand = [&](int64_t i) { return operandOf(op, views, i); };
  Operand out = operand(op.operands - 1);
  if (out.elements() == 0)
    return {};
  switch (op.op) {
  case CG_ASCEND_VBIN:
    withType(out.info->type, [&](auto w) {
      using W = decltype(w);
      Operand operands[] = {operand(0), operand(1), out};
      elementwise<W>(operands, [&](const W *const *in, W *result, int64_t n) { binary<W>(op.kind, in[0], in[1], result, n); });
    });
    return {};
  case CG_ASCEND_VUN:
    withType(out.info->type, [&](auto w) {
      using W = decltype(w);
      Operand operands[] = {operand(0), out};
      elementwise<W>(operands, [&](const W *const *in, W *result, int64_t n) { unary<W>(op.kind, in[0], result, n); });
    });
    return {};
  case CG_ASCEND_VCAST: executeCast(operand(0), out, op.kind); return {};
  case CG_ASCEND_VBRC: copyElements(operand(0), out); return {};
  case CG_ASCEND_VREDUCE:
    withType(out.info->type, [&](auto w) { reduce<decltype(w)>(operand(0), out, op.kind); });
    return {};
  case CG_ASCEND_VCMP: executeCompare(operand(0), operand(1), out, op.kind); return {};
  case CG_ASCEND_VSEL: executeSelect(operand(0), operand(1), operand(2), out); return {};
  case CG_ASCEND_VTRANSPOSE: copyElements(operand(0), out, op.attributes); return {};
  case CG_ASCEND_VGATHER: return executeGather(operand(0), operand(1), out);
  default: executeRange(op, views); return {};
  }
}

} // namespace cellgrad::ascend
