//===- elements.h - elements of buffers as the types that are computed with ===//
//
// f16, bf16 and f32 are computed with in float, integers of up to 32 bits in int32_t, i64 in int64_t. A result is rounded (floats: to nearest, ties to
// even) or cut off (integers) to the type of its buffer. The sum, product, quotient or square root of f16 values rounded to float and then to f16 is the
// exact result rounded once, since 24 >= 2 * 11 + 2.
//
//===----------------------------------------------------------------------===//
#ifndef CELLGRAD_ASCEND_ELEMENTS_H
#define CELLGRAD_ASCEND_ELEMENTS_H

#include "runtime/ascend_sim/core.h"
#include "runtime/cpu/halves.h"

#include <type_traits>

namespace cellgrad::ascend {

void halvesToFloats(const uint16_t *from, float *to, int64_t count);
void floatsToHalves(const float *from, uint16_t *to, int64_t count);

template <typename W> constexpr int kOwnType = std::is_same_v<W, float> ? CG_ASCEND_F32 : std::is_same_v<W, int32_t> ? CG_ASCEND_I32 : CG_ASCEND_I64;

template <typename T, typename W, typename F> void mapIn(const char *from, int64_t stride, W *to, int64_t count, F convert) {
  const T *source = reinterpret_cast<const T *>(from);
  if (stride == 1)
    for (int64_t i = 0; i < count; ++i)
      to[i] = W(convert(source[i]));
  else
    for (int64_t i = 0; i < count; ++i)
      to[i] = W(convert(source[i * stride]));
}

/// `count` elements, `stride` elements apart, as W.
template <typename W> void widen(int type, const char *from, int64_t stride, W *to, int64_t count) {
  auto same = [](auto x) { return x; };
  if constexpr (std::is_same_v<W, float>) {
    if (type == CG_ASCEND_F32)
      return mapIn<float>(from, stride, to, count, same);
    if (type == CG_ASCEND_BF16)
      return mapIn<uint16_t>(from, stride, to, count, fromBfloat);
    if (stride == 1)
      return halvesToFloats(reinterpret_cast<const uint16_t *>(from), to, count);
    return mapIn<uint16_t>(from, stride, to, count, fromHalf);
  } else {
    switch (type) {
    case CG_ASCEND_I1: return mapIn<uint8_t>(from, stride, to, count, [](uint8_t x) { return x != 0; });
    case CG_ASCEND_I8: return mapIn<int8_t>(from, stride, to, count, same);
    case CG_ASCEND_I16: return mapIn<int16_t>(from, stride, to, count, same);
    case CG_ASCEND_I32: return mapIn<int32_t>(from, stride, to, count, same);
    default: return mapIn<int64_t>(from, stride, to, count, same);
    }
  }
}

template <typename T, typename W, typename F> void mapOut(const W *from, char *to, int64_t stride, int64_t count, F convert) {
  T *target = reinterpret_cast<T *>(to);
  if (stride == 1)
    for (int64_t i = 0; i < count; ++i)
      target[i] = T(convert(from[i]));
  else
    for (int64_t i = 0; i < count; ++i)
      target[i * stride] = T(convert(from[i]));
}

template <typename W> void narrow(int type, const W *from, char *to, int64_t stride, int64_t count) {
  auto same = [](auto x) { return x; };
  if constexpr (std::is_same_v<W, float>) {
    if (type == CG_ASCEND_F32)
      return mapOut<float>(from, to, stride, count, same);
    if (type == CG_ASCEND_BF16)
      return mapOut<uint16_t>(from, to, stride, count, toBfloat);
    if (stride == 1)
      return floatsToHalves(from, reinterpret_cast<uint16_t *>(to), count);
    return mapOut<uint16_t>(from, to, stride, count, toHalf);
  } else {
    switch (type) {
    case CG_ASCEND_I1: return mapOut<uint8_t>(from, to, stride, count, [](W x) { return (x & 1) != 0; });
    case CG_ASCEND_I8: return mapOut<int8_t>(from, to, stride, count, same);
    case CG_ASCEND_I16: return mapOut<int16_t>(from, to, stride, count, same);
    case CG_ASCEND_I32: return mapOut<int32_t>(from, to, stride, count, same);
    default: return mapOut<int64_t>(from, to, stride, count, same);
    }
  }
}

/// One operand's elements along the innermost dimension, chunk by chunk.
template <typename W> class Row {
public:
  static constexpr int64_t kChunk = 512;
  int type = 0;
  int64_t stride = 0;
  /// True if elements can be used where they are.
  bool direct() const { return stride == 1 && type == kOwnType<W>; }
  /// Elements [from, from + count) of the row at `at`; count is at most kChunk unless `direct`.
  const W *fetch(const char *at, int64_t from, int64_t count) {
    if (direct())
      return reinterpret_cast<const W *>(at) + from;
    widen<W>(type, at + from * stride * elementBytes(type), stride, buffer, count);
    return buffer;
  }
  W *place(char *at, int64_t from) { return direct() ? reinterpret_cast<W *>(at) + from : buffer; }
  void put(char *at, int64_t from, int64_t count) {
    if (!direct())
      narrow<W>(type, buffer, at + from * stride * elementBytes(type), stride, count);
  }

private:
  alignas(64) W buffer[kChunk];
};

/// The dimensions of an output with N operands beside it, as few as possible. Where an operand has size 1 its step is 0; a scalar stands in `scalars`.
template <int N> struct Loops {
  int rank = 0;
  int64_t sizes[CG_ASCEND_MAX_RANK + 1], steps[N][CG_ASCEND_MAX_RANK + 1]; // outermost first; steps in bytes; the innermost is sizes[rank - 1]
  char *data[N];
  int64_t bits[N];
  bool empty = false;

  /// operands[N - 1] is the output; `order` says which dimension of operand 0 is dimension d of the output.
  explicit Loops(const Operand (&operands)[N], const int32_t *order = nullptr) {
    const Operand &out = operands[N - 1];
    for (int i = 0; i < N; ++i) {
      bits[i] = int64_t(reinterpret_cast<uintptr_t>(operands[i].view->data));
      data[i] = operands[i].scalar() ? reinterpret_cast<char *>(&bits[i]) : operands[i].view->data;
    }
    for (int d = 0; d < out.info->rank; ++d) {
      int64_t n = out.view->sizes[d], step[N];
      empty |= n <= 0;
      if (n == 1)
        continue;
      for (int i = 0; i < N; ++i) {
        int from = i == 0 && order ? order[d] : d;
        bool repeated = operands[i].scalar() || operands[i].view->sizes[from] == 1;
        step[i] = repeated ? 0 : operands[i].view->strides[from] * elementBytes(operands[i].info->type);
      }
      bool merge = rank > 0;
      for (int i = 0; i < N && merge; ++i)
        merge = steps[i][rank - 1] == step[i] * n;
      if (merge) {
        sizes[rank - 1] *= n;
      } else {
        sizes[rank++] = n;
      }
      for (int i = 0; i < N; ++i)
        steps[i][rank - 1] = step[i];
    }
    if (!rank) {
      sizes[rank++] = 1;
      for (int i = 0; i < N; ++i)
        steps[i][0] = operands[i].scalar() ? 0 : elementBytes(operands[i].info->type);
    }
  }
  int64_t inner() const { return sizes[rank - 1]; }
  int64_t innerStep(int i) const { return steps[i][rank - 1]; }
  /// Calls visit(char *const *rows) for each row.
  template <typename F> void eachRow(F visit) const {
    if (empty)
      return;
    char *at[N];
    std::copy(data, data + N, at);
    int64_t index[CG_ASCEND_MAX_RANK + 1] = {};
    for (;;) {
      visit(at);
      int d = rank - 2;
      for (; d >= 0; --d) {
        for (int i = 0; i < N; ++i)
          at[i] += steps[i][d];
        if (++index[d] < sizes[d])
          break;
        for (int i = 0; i < N; ++i)
          at[i] -= steps[i][d] * sizes[d];
        index[d] = 0;
      }
      if (d < 0)
        return;
    }
  }
};

/// out[i] = compute(in0[i], in1[i], ...) on arrays, with W as the type that is computed with: compute(const W *const in[], W *out, int64_t count).
template <typename W, int N, typename F> void elementwise(const Operand (&operands)[N], F compute) {
  Loops<N> loops(operands);
  Row<W> rows[N];
  bool direct = true;
  for (int i = 0; i < N; ++i) {
    rows[i].type = operands[i].info->type;
    rows[i].stride = loops.innerStep(i) / elementBytes(rows[i].type);
    direct &= rows[i].direct();
  }
  int64_t inner = loops.inner(), chunk = direct ? inner : Row<W>::kChunk;
  loops.eachRow([&](char *const *at) {
    for (int64_t from = 0; from < inner; from += chunk) {
      int64_t count = std::min(chunk, inner - from);
      const W *in[N];
      for (int i = 0; i + 1 < N; ++i)
        in[i] = rows[i].fetch(at[i], from, count);
      compute(in, rows[N - 1].place(at[N - 1], from), count);
      rows[N - 1].put(at[N - 1], from, count);
    }
  });
}

inline bool isFloat(int type) { return type >= CG_ASCEND_F16; }
/// Writes `x` in a float type, rounded as asked.
void writeFloat(int type, char *at, double x, int rounding);
void executeCast(const Operand &source, const Operand &out, int rounding);

/// Elements of one size from one place to another.
void copyElements(const Operand &source, const Operand &out, const int32_t *order = nullptr);

} // namespace cellgrad::ascend

#endif // CELLGRAD_ASCEND_ELEMENTS_H
