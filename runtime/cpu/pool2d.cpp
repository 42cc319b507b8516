//===- pool2d.cpp - pooling, its gradients and scatter-add ----------------===//
#include "runtime/cpu/cellgrad_cpu.h"
#include "runtime/cpu/threads.h"

#include <algorithm>
#include <cstring>
#include <limits>

namespace {
struct Geometry {
  int64_t planes, h, w, oh, ow, kh, kw, sh, sw, pt, pb, pl, pr, dh, dw;

  Geometry(const int64_t *p, bool dilated)
      : planes(p[CG_POOL_N] * p[CG_POOL_C]), h(p[CG_POOL_H]), w(p[CG_POOL_W]), oh(p[CG_POOL_OH]), ow(p[CG_POOL_OW]), kh(p[CG_POOL_KH]),
        kw(p[CG_POOL_KW]), sh(p[CG_POOL_SH]), sw(p[CG_POOL_SW]), pt(p[CG_POOL_PT]), pb(p[CG_POOL_PB]), pl(p[CG_POOL_PL]),
        pr(p[CG_POOL_PR]), dh(dilated ? p[CG_POOL_DH] : 1), dw(dilated ? p[CG_POOL_DW] : 1) {}

  /// Calls body(plane) for every image and channel; threads take whole planes.
  template <typename Body>
  void forPlanes(Body &&body) const {
    double work = double(planes) * double(oh) * double(ow) * double(kh) * double(kw);
    int threads = int(std::min<double>({double(cellgrad::availableThreads()), double(planes), std::max(1.0, work / 16384)}));
    cellgrad::parallelPieces(threads, [&](int t) {
      for (int64_t i = planes * t / threads; i < planes * (t + 1) / threads; ++i)
        body(i);
    });
  }
};

/// True if `value` takes the place of `best`: the first NaN wins over all, then the first maximum.
template <typename T>
bool beats(T value, T best) {
  return value > best || (value != value && best == best);
}

template <typename T>
void maxPool(const int64_t *p, const T *x, T *y) {
  Geometry g(p, true);
  if (g.kh == 2 && g.kw == 2 && g.sh == 2 && g.sw == 2 && g.pt == 0 && g.pl == 0 && g.pb == 0 && g.pr == 0 && g.dh == 1 && g.dw == 1) {
    g.forPlanes([&](int64_t plane) {
      const T *in = x + plane * g.h * g.w;
      T *out = y + plane * g.oh * g.ow;
      for (int64_t i = 0; i < g.oh; ++i) {
        const T *upper = in + 2 * i * g.w, *lower = upper + g.w;
        for (int64_t j = 0; j < g.ow; ++j) {
          T a = upper[2 * j], b = upper[2 * j + 1], c = lower[2 * j], d = lower[2 * j + 1];
          T left = beats(c, a) ? c : a, right = beats(d, b) ? d : b;
          out[i * g.ow + j] = beats(right, left) ? right : left;
        }
      }
    });
    return;
  }
  g.forPlanes([&](int64_t plane) {
    const T *in = x + plane * g.h * g.w;
    T *out = y + plane * g.oh * g.ow;
    for (int64_t i = 0; i < g.oh; ++i)
      for (int64_t j = 0; j < g.ow; ++j) {
        T best = -std::numeric_limits<T>::infinity();
        for (int64_t a = 0; a < g.kh; ++a)
          for (int64_t b = 0; b < g.kw; ++b) {
            int64_t row = i * g.sh + a * g.dh - g.pt, column = j * g.sw + b * g.dw - g.pl;
            if (row >= 0 && row < g.h && column >= 0 && column < g.w && beats(in[row * g.w + column], best))
              best = in[row * g.w + column];
          }
        out[i * g.ow + j] = best;
      }
  });
}

/// 16 bytes of elements; the four shuffles take them apart into neighbours and put them together again.
template <typename T>
struct Lanes;
template <>
struct Lanes<float> {
  typedef float Vector __attribute__((vector_size(16)));
  static Vector even(Vector a, Vector b) { return __builtin_shufflevector(a, b, 0, 2, 4, 6); }
  static Vector odd(Vector a, Vector b) { return __builtin_shufflevector(a, b, 1, 3, 5, 7); }
  static Vector low(Vector a, Vector b) { return __builtin_shufflevector(a, b, 0, 4, 1, 5); }
  static Vector high(Vector a, Vector b) { return __builtin_shufflevector(a, b, 2, 6, 3, 7); }
};
template <>
struct Lanes<double> {
  typedef double Vector __attribute__((vector_size(16)));
  static Vector even(Vector a, Vector b) { return __builtin_shufflevector(a, b, 0, 2); }
  static Vector odd(Vector a, Vector b) { return __builtin_shufflevector(a, b, 1, 3); }
  static Vector low(Vector a, Vector b) { return even(a, b); }
  static Vector high(Vector a, Vector b) { return odd(a, b); }
};

/// The gradient of one row of `count` windows of 2 x 2 that tile two rows of the image. Every element is written once, without branches.
template <typename T>
void tiledGradientRow(const T *upper, const T *lower, const T *gradient, T *outUpper, T *outLower, int64_t count) {
  using L = Lanes<T>;
  using V = typename L::Vector;
  constexpr int64_t lanes = sizeof(V) / sizeof(T);
  auto load = [](const T *from) {
    V v;
    std::memcpy(&v, from, sizeof(V));
    return v;
  };
  auto store = [](T *to, V v) { std::memcpy(to, &v, sizeof(V)); };
  auto beatsLanes = [](V value, V best) { return (value > best) | ((value != value) & (best == best)); };
  int64_t j = 0;
  for (const V zero = {}; j + lanes <= count; j += lanes) {
    V u0 = load(upper + 2 * j), u1 = load(upper + 2 * j + lanes), l0 = load(lower + 2 * j), l1 = load(lower + 2 * j + lanes);
    V a = L::even(u0, u1), b = L::odd(u0, u1), c = L::even(l0, l1), d = L::odd(l0, l1), value = load(gradient + j);
    auto right = beatsLanes(b, a), rightLower = beatsLanes(d, c);
    auto below = beatsLanes(rightLower ? d : c, right ? b : a);
    V up = below ? zero : value, down = below ? value : zero;
    V p = right ? zero : up, q = right ? up : zero, r = rightLower ? zero : down, s = rightLower ? down : zero;
    store(outUpper + 2 * j, L::low(p, q)), store(outUpper + 2 * j + lanes, L::high(p, q));
    store(outLower + 2 * j, L::low(r, s)), store(outLower + 2 * j + lanes, L::high(r, s));
  }
  for (; j < count; ++j) {
    T a = upper[2 * j], b = upper[2 * j + 1], c = lower[2 * j], d = lower[2 * j + 1], value = gradient[j];
    bool right = beats(b, a), rightLower = beats(d, c);
    bool below = beats(rightLower ? d : c, right ? b : a);
    outUpper[2 * j] = !below && !right ? value : T(0);
    outUpper[2 * j + 1] = !below && right ? value : T(0);
    outLower[2 * j] = below && !rightLower ? value : T(0);
    outLower[2 * j + 1] = below && rightLower ? value : T(0);
  }
}

template <typename T>
void maxPoolGradient(const int64_t *p, const T *x, const T *dy, T *dx) {
  Geometry g(p, true);
  if (g.kh == 2 && g.kw == 2 && g.sh == 2 && g.sw == 2 && g.pt == 0 && g.pl == 0 && g.pb == 0 && g.pr == 0 && g.dh == 1 && g.dw == 1 &&
      g.h == 2 * g.oh && g.w == 2 * g.ow) {
    g.forPlanes([&](int64_t plane) {
      const T *in = x + plane * g.h * g.w, *gradient = dy + plane * g.oh * g.ow;
      T *out = dx + plane * g.h * g.w;
      for (int64_t i = 0; i < g.oh; ++i) {
        int64_t row = 2 * i * g.w;
        tiledGradientRow(in + row, in + row + g.w, gradient + i * g.ow, out + row, out + row + g.w, g.ow);
      }
    });
    return;
  }
  g.forPlanes([&](int64_t plane) {
    const T *in = x + plane * g.h * g.w, *gradient = dy + plane * g.oh * g.ow;
    T *out = dx + plane * g.h * g.w;
    std::fill_n(out, g.h * g.w, T(0));
    for (int64_t i = 0; i < g.oh; ++i)
      for (int64_t j = 0; j < g.ow; ++j) {
        int64_t best = -1;
        for (int64_t a = 0; a < g.kh; ++a)
          for (int64_t b = 0; b < g.kw; ++b) {
            int64_t row = i * g.sh + a * g.dh - g.pt, column = j * g.sw + b * g.dw - g.pl;
            if (row >= 0 && row < g.h && column >= 0 && column < g.w && (best < 0 || beats(in[row * g.w + column], in[best])))
              best = row * g.w + column;
          }
        if (best >= 0)
          out[best] += gradient[i * g.ow + j];
      }
  });
}

/// Rows and columns of the window at (i, j) that lie inside the image, and by what its sum is divided.
struct Window {
  int64_t top, bottom, left, right;
  double count;

  Window(const Geometry &g, int64_t i, int64_t j, bool countPad) {
    int64_t y = i * g.sh - g.pt, x = j * g.sw - g.pl;
    int64_t yEnd = std::min(y + g.kh, g.h + g.pb), xEnd = std::min(x + g.kw, g.w + g.pr);
    count = double((yEnd - y) * (xEnd - x));
    top = std::max<int64_t>(y, 0), left = std::max<int64_t>(x, 0);
    bottom = std::min(yEnd, g.h), right = std::min(xEnd, g.w);
    if (!countPad)
      count = double(std::max<int64_t>(1, std::max<int64_t>(0, bottom - top) * std::max<int64_t>(0, right - left)));
  }
};

template <typename T>
void averagePool(const int64_t *p, const T *x, T *y) {
  Geometry g(p, false);
  g.forPlanes([&](int64_t plane) {
    const T *in = x + plane * g.h * g.w;
    T *out = y + plane * g.oh * g.ow;
    for (int64_t i = 0; i < g.oh; ++i)
      for (int64_t j = 0; j < g.ow; ++j) {
        Window window(g, i, j, p[CG_POOL_COUNT_PAD]);
        T sum = 0;
        for (int64_t a = window.top; a < window.bottom; ++a)
          for (int64_t b = window.left; b < window.right; ++b)
            sum += in[a * g.w + b];
        out[i * g.ow + j] = sum / T(window.count);
      }
  });
}

template <typename T>
void averagePoolGradient(const int64_t *p, const T *dy, T *dx) {
  Geometry g(p, false);
  g.forPlanes([&](int64_t plane) {
    const T *gradient = dy + plane * g.oh * g.ow;
    T *out = dx + plane * g.h * g.w;
    std::fill_n(out, g.h * g.w, T(0));
    for (int64_t i = 0; i < g.oh; ++i)
      for (int64_t j = 0; j < g.ow; ++j) {
        Window window(g, i, j, p[CG_POOL_COUNT_PAD]);
        T share = gradient[i * g.ow + j] / T(window.count);
        for (int64_t a = window.top; a < window.bottom; ++a)
          for (int64_t b = window.left; b < window.right; ++b)
            out[a * g.w + b] += share;
      }
  });
}

template <typename T>
void scatterAdd(const int64_t *p, const void *index, const T *update, T *acc) {
  int64_t n = p[0], row = p[1], rows = p[2];
  for (int64_t i = 0; i < n; ++i, update += row) {
    int64_t to = p[3] == 4 ? static_cast<const int32_t *>(index)[i] : static_cast<const int64_t *>(index)[i];
    if (to < 0 || to >= rows)
      continue;
    T *target = acc + to * row;
    for (int64_t j = 0; j < row; ++j)
      target[j] += update[j];
  }
}
} // namespace

#define CG_POOL(SUFFIX, T)                                                                                                        \
  void cg_maxpool2d_##SUFFIX(const int64_t *p, const T *x, T *y) { maxPool<T>(p, x, y); }                                         \
  void cg_maxpool2d_dx_##SUFFIX(const int64_t *p, const T *x, const T *dy, T *dx) { maxPoolGradient<T>(p, x, dy, dx); }           \
  void cg_avgpool2d_##SUFFIX(const int64_t *p, const T *x, T *y) { averagePool<T>(p, x, y); }                                     \
  void cg_avgpool2d_dx_##SUFFIX(const int64_t *p, const T *dy, T *dx) { averagePoolGradient<T>(p, dy, dx); }                      \
  void cg_scatter_add_##SUFFIX(const int64_t *p, const void *index, const T *update, T *acc) { scatterAdd<T>(p, index, update, acc); }
CG_POOL(f32, float)
CG_POOL(f64, double)
// Unsigned: sums of whole numbers come round.
void cg_scatter_add_i32(const int64_t *p, const void *index, const int32_t *update, int32_t *acc) {
  scatterAdd<uint32_t>(p, index, reinterpret_cast<const uint32_t *>(update), reinterpret_cast<uint32_t *>(acc));
}
void cg_scatter_add_i64(const int64_t *p, const void *index, const int64_t *update, int64_t *acc) {
  scatterAdd<uint64_t>(p, index, reinterpret_cast<const uint64_t *>(update), reinterpret_cast<uint64_t *>(acc));
}
