//===- move.cpp - transfers, and the cube -----------------------------------===//
#include "runtime/ascend_sim/elements.h"

#include <vector>

namespace cellgrad::ascend {

void copyElements(const Operand &source, const Operand &out, const int32_t *order) {
  Operand operands[] = {source, out};
  Loops<2> loops(operands, order);
  int64_t bytes = elementBytes(out.info->type), count = loops.inner(), from = loops.innerStep(0), to = loops.innerStep(1);
  loops.eachRow([&](char *const *at) {
    if (from == bytes && to == bytes) {
      memmove(at[1], at[0], size_t(count * bytes));
      return;
    }
    auto copy = [&](auto element) {
      using T = decltype(element);
      for (int64_t i = 0; i < count; ++i)
        *reinterpret_cast<T *>(at[1] + i * to) = *reinterpret_cast<const T *>(at[0] + i * from);
    };
    switch (bytes) {
    case 1: return copy(uint8_t());
    case 2: return copy(uint16_t());
    case 4: return copy(uint32_t());
    default: return copy(uint64_t());
    }
  });
}

namespace {
constexpr int64_t kRows = kFractalRows;

/// A buffer of fractals, [outer, inner, 16, columns]; fractals are contiguous.
struct Fractals {
  char *data;
  int64_t outer, inner, outerStep, innerStep, bytes, columns; // steps in bytes
  explicit Fractals(const Operand &operand) : data(operand.view->data) {
    const cg_ascend_view &v = *operand.view;
    bytes = elementBytes(operand.info->type);
    outer = v.sizes[0], inner = v.sizes[1], columns = v.sizes[3];
    outerStep = v.strides[0] * bytes, innerStep = v.strides[1] * bytes;
  }
  char *at(int64_t o, int64_t i) const { return data + o * outerStep + i * innerStep; }
  int64_t fractalBytes() const { return kRows * columns * bytes; }
};

template <typename F> void withElement(int64_t bytes, F f) {
  switch (bytes) {
  case 1: return f(uint8_t());
  case 2: return f(uint16_t());
  default: return f(uint32_t());
  }
}

/// [R, C] to [C / C0, R / 16, 16, C0]; what has no source becomes zero.
void toFractals(const Operand &source, const Operand &out) {
  Fractals to(out);
  const cg_ascend_view &v = *source.view;
  withElement(to.bytes, [&](auto element) {
    using T = decltype(element);
    const T *from = reinterpret_cast<const T *>(v.data);
    for (int64_t o = 0; o < to.outer; ++o)
      for (int64_t i = 0; i < to.inner; ++i)
        for (int64_t r = 0; r < kRows; ++r) {
          int64_t row = i * kRows + r, column = o * to.columns;
          int64_t count = row < v.sizes[0] ? std::max<int64_t>(0, std::min(to.columns, v.sizes[1] - column)) : 0;
          T *place = reinterpret_cast<T *>(to.at(o, i)) + r * to.columns;
          const T *line = count ? from + row * v.strides[0] + column * v.strides[1] : nullptr;
          for (int64_t c = 0; c < count; ++c)
            place[c] = line[c * v.strides[1]];
          std::fill(place + count, place + to.columns, T(0));
        }
  });
}

/// Fractals [A, B] to [A, B] or, `swapped`, to [B, A], each as it is; what has no source becomes zero.
void copyFractals(const Fractals &from, const Fractals &to, bool swapped) {
  for (int64_t o = 0; o < to.outer; ++o)
    for (int64_t i = 0; i < to.inner; ++i) {
      int64_t a = swapped ? i : o, b = swapped ? o : i;
      if (a < from.outer && b < from.inner)
        memcpy(to.at(o, i), from.at(a, b), size_t(to.fractalBytes()));
      else
        memset(to.at(o, i), 0, size_t(to.fractalBytes()));
    }
}

/// The matrix [R, C] in fractals [C / C0, R / 16, 16, C0] becomes, transposed, fractals of rows of C0 along R: element (r, c) goes to row c, column r. `to` is
/// [outer][inner]: along C and along R for L0A (`columnsOutside`), along R and along C for L0B.
void transpose(const Fractals &from, const Fractals &to, bool columnsOutside) {
  withElement(to.bytes, [&](auto element) {
    using T = decltype(element);
    int64_t rows = from.inner * kRows, columns = from.outer * from.columns;
    for (int64_t o = 0; o < to.outer; ++o)
      for (int64_t i = 0; i < to.inner; ++i) {
        T *place = reinterpret_cast<T *>(to.at(o, i));
        int64_t firstColumn = (columnsOutside ? o : i) * kRows, firstRow = (columnsOutside ? i : o) * to.columns;
        for (int64_t a = 0; a < kRows; ++a)
          for (int64_t b = 0; b < to.columns; ++b) {
            int64_t r = firstRow + b, c = firstColumn + a;
            bool has = r < rows && c < columns;
            place[a * to.columns + b] = has ? reinterpret_cast<const T *>(from.at(c / from.columns, r / kRows))[r % kRows * from.columns + c % from.columns] : T(0);
          }
      }
  });
}

/// What leaves L0C: clipped to the range of narrow integers.
template <typename W> void leave(W *values, int64_t count, int type, bool relu) {
  if (relu)
    for (int64_t i = 0; i < count; ++i)
      values[i] = values[i] > 0 || values[i] != values[i] ? values[i] : W(0);
  int64_t top = type == CG_ASCEND_I8 ? 127 : type == CG_ASCEND_I16 ? 32767 : 0;
  if (top)
    for (int64_t i = 0; i < count; ++i)
      values[i] = std::min<W>(std::max<W>(values[i], W(-top - 1)), W(top));
}

void fixpipe(const Operand &source, const Operand &out, int flags) {
  Fractals from(source);
  const cg_ascend_view &v = *out.view;
  int64_t columns = v.sizes[1], bytes = elementBytes(out.info->type);
  std::vector<float> row(size_t(from.outer * kRows)), sum(row.size());
  std::vector<int32_t> whole(row.size());
  auto each = [&](auto *values, auto put) {
    using W = std::remove_reference_t<decltype(*values)>;
    for (int64_t m = 0; m < v.sizes[0]; ++m) {
      for (int64_t n = 0; n * kRows < columns; ++n)
        memcpy(values + n * kRows, from.at(n, m / kRows) + m % kRows * kRows * 4, size_t(kRows) * 4);
      leave<W>(values, columns, out.info->type, flags & CG_ASCEND_WITH_RELU);
      put(v.data + m * v.strides[0] * bytes);
    }
  };
  auto floats = [&](char *place) {
    if (flags & CG_ASCEND_ATOMIC_ADD) { // rounded to the matrix's type, then added there
      std::vector<char> rounded(size_t(columns * bytes));
      narrow<float>(out.info->type, row.data(), rounded.data(), 1, columns);
      widen<float>(out.info->type, rounded.data(), 1, row.data(), columns);
      widen<float>(out.info->type, place, v.strides[1], sum.data(), columns);
      for (int64_t i = 0; i < columns; ++i)
        row[size_t(i)] += sum[size_t(i)];
    }
    narrow<float>(out.info->type, row.data(), place, v.strides[1], columns);
  };
  auto integers = [&](char *place) {
    if (out.info->type == CG_ASCEND_F16) {
      for (int64_t i = 0; i < columns; ++i)
        row[size_t(i)] = float(whole[size_t(i)]);
      return floats(place);
    }
    if (flags & CG_ASCEND_ATOMIC_ADD) {
      std::vector<int32_t> old(whole.size());
      widen<int32_t>(out.info->type, place, v.strides[1], old.data(), columns);
      for (int64_t i = 0; i < columns; ++i)
        whole[size_t(i)] = int32_t(uint32_t(whole[size_t(i)]) + uint32_t(old[size_t(i)]));
    }
    narrow<int32_t>(out.info->type, whole.data(), place, v.strides[1], columns);
  };
  if (source.info->type == CG_ASCEND_F32)
    each(row.data(), floats);
  else
    each(whole.data(), integers);
}

typedef float Floats __attribute__((vector_size(64), aligned(4), may_alias));
typedef int32_t Ints __attribute__((vector_size(64), aligned(4), may_alias));

/// Four rows of a fractal of sums: c[4][16] += a[4][K] * b[K][16], one k after the other; a product is rounded and then the sum.
#define CG_ROWS(NAME, T, V)                                                                                                                           \
  __attribute__((target_clones("avx512f", "avx2", "default"))) void NAME(const T *a, int64_t distance, const T *b, T *c, int64_t count) {             \
    V *sums = reinterpret_cast<V *>(c);                                                                                                               \
    V c0 = sums[0], c1 = sums[1], c2 = sums[2], c3 = sums[3];                                                                                         \
    for (int64_t k = 0; k < count; ++k) {                                                                                                             \
      V row = *reinterpret_cast<const V *>(b + k * 16);                                                                                               \
      c0 += a[k] * row;                                                                                                                               \
      c1 += a[distance + k] * row;                                                                                                                    \
      c2 += a[2 * distance + k] * row;                                                                                                                \
      c3 += a[3 * distance + k] * row;                                                                                                                \
    }                                                                                                                                                 \
    sums[0] = c0, sums[1] = c1, sums[2] = c2, sums[3] = c3;                                                                                           \
  }
#ifndef __x86_64__
#define target_clones(...)
#endif
CG_ROWS(multiplyFloats, float, Floats)
CG_ROWS(multiplyInts, int32_t, Ints)

template <typename W> void multiply(const Operand &lhs, const Operand &rhs, const Operand *bias, const Operand &out, bool init) {
  Fractals a(lhs), b(rhs), c(out); // a [M1, K1, 16, C0], b [K1, N1, 16 n, C0 k], c [N1, M1, 16, 16]
  int64_t depth = a.inner * a.columns, rows = a.outer * kRows;
  std::vector<W> left(size_t(rows * depth)), right(size_t(depth * kRows)), line(static_cast<size_t>(std::max(a.columns, b.columns)));
  for (int64_t m = 0; m < a.outer; ++m)
    for (int64_t k = 0; k < a.inner; ++k)
      for (int64_t r = 0; r < kRows; ++r)
        widen<W>(lhs.info->type, a.at(m, k) + r * a.columns * a.bytes, 1, &left[size_t((m * kRows + r) * depth + k * a.columns)], a.columns);
  for (int64_t n = 0; n < c.outer; ++n) {
    for (int64_t k = 0; k < b.outer; ++k)
      for (int64_t r = 0; r < kRows; ++r) {
        widen<W>(rhs.info->type, b.at(k, n) + r * b.columns * b.bytes, 1, line.data(), b.columns);
        for (int64_t i = 0; i < b.columns; ++i)
          right[size_t((k * b.columns + i) * kRows + r)] = line[size_t(i)];
      }
    W start[kRows] = {};
    if (init && bias)
      widen<W>(bias->info->type, bias->view->data + n * kRows * elementBytes(bias->info->type), 1, start, std::min(kRows, bias->view->sizes[0] - n * kRows));
    for (int64_t m = 0; m < c.inner; ++m) {
      W *sums = reinterpret_cast<W *>(c.at(n, m));
      for (int64_t r = 0; init && r < kRows; ++r)
        std::copy(start, start + kRows, sums + r * kRows);
      for (int64_t r = 0; r < kRows; r += 4) {
        if constexpr (std::is_same_v<W, float>)
          multiplyFloats(&left[size_t((m * kRows + r) * depth)], depth, right.data(), sums + r * kRows, depth);
        else
          multiplyInts(&left[size_t((m * kRows + r) * depth)], depth, right.data(), sums + r * kRows, depth);
      }
    }
  }
}
} // namespace

void executeMove(const cg_ascend_op &op, const cg_ascend_view *views) {
  Operand source = operandOf(op, views, 0), out = operandOf(op, views, op.operands - 1);
  if (out.elements() == 0)
    return;
  switch (op.op) {
  case CG_ASCEND_ND2NZ: return toFractals(source, out);
  case CG_ASCEND_L1_TO_L0A:
    return op.flags & CG_ASCEND_TRANSPOSE ? transpose(Fractals(source), Fractals(out), /*columnsOutside=*/true) : copyFractals(Fractals(source), Fractals(out), /*swapped=*/true);
  case CG_ASCEND_L1_TO_L0B:
    return op.flags & CG_ASCEND_TRANSPOSE ? copyFractals(Fractals(source), Fractals(out), /*swapped=*/false) : transpose(Fractals(source), Fractals(out), /*columnsOutside=*/false);
  case CG_ASCEND_FIXPIPE: return fixpipe(source, out, op.flags);
  case CG_ASCEND_STORE:
    return op.flags & CG_ASCEND_ATOMIC_ADD ? accumulate(source, out) : copyElements(source, out);
  default: break;
  }
  if (source.info->type == out.info->type)
    return copyElements(source, out);
  Operand operands[] = {source, out}; // a bias of f16
  elementwise<float>(operands, [](const float *const *in, float *result, int64_t n) { std::copy(in[0], in[0] + n, result); });
}

void executeCube(const cg_ascend_op &op, const cg_ascend_view *views) {
  auto operand = [&](int64_t i) { return operandOf(op, views, i); };
  bool init = reinterpret_cast<uintptr_t>(views[2].data) & 1;
  Operand bias = operand(3), out = operand(op.operands - 1);
  const Operand *start = op.flags & CG_ASCEND_WITH_BIAS ? &bias : nullptr;
  if (out.info->type == CG_ASCEND_F32)
    multiply<float>(operand(0), operand(1), start, out, init);
  else
    multiply<int32_t>(operand(0), operand(1), start, out, init);
}

} // namespace cellgrad::ascend
