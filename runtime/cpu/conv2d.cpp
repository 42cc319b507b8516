//===- conv2d.cpp - convolution and its two gradients ---------------------===//
// Each image becomes a matrix of its windows (im2col) in scratch memory, then one matrix product per group. Images with few channels go without
// the matrix (conv_direct.h). Threads take images.
#include "runtime/cpu/cellgrad_cpu.h"
#include "runtime/cpu/conv_direct.h"
#include "runtime/cpu/gemm.h"
#include "runtime/cpu/threads.h"

#include <algorithm>
#include <cstring>

namespace {
struct Geometry {
  int64_t n, c, h, w, o, kh, kw, oh, ow, sh, sw, pt, pl, dh, dw, groups, slots;
  int64_t cg, og, rows, pixels; // channels per group, rows and columns of the window matrix
  int64_t slot;                 // scratch elements of one thread
  bool direct;                  // few enough products per output that the window matrix costs more than it gives
  cellgrad::DirectShape shape;

  explicit Geometry(const int64_t *p, bool gradientOfWeight = false)
      : n(p[CG_CONV_N]), c(p[CG_CONV_C]), h(p[CG_CONV_H]), w(p[CG_CONV_W]), o(p[CG_CONV_O]), kh(p[CG_CONV_KH]), kw(p[CG_CONV_KW]),
        oh(p[CG_CONV_OH]), ow(p[CG_CONV_OW]), sh(p[CG_CONV_SH]), sw(p[CG_CONV_SW]), pt(p[CG_CONV_PT]), pl(p[CG_CONV_PL]),
        dh(p[CG_CONV_DH]), dw(p[CG_CONV_DW]), groups(p[CG_CONV_GROUPS]), slots(p[CG_CONV_SLOTS]), cg(c / groups), og(o / groups),
        rows(cg * kh * kw), pixels(oh * ow), slot(cg_conv2d_slot(p, gradientOfWeight)),
        direct(sh == 1 && sw == 1 && dh == 1 && dw == 1 && kw <= cellgrad::kDirectMaxKernel && ow >= 8 && rows <= 256) {
    int64_t paddedW = w + p[CG_CONV_PL] + p[CG_CONV_PR];
    // A last vector may start at the last output column and at the last kernel column.
    shape = {cg, h, w, pt, pl, og, kh, kw, oh, ow, h + p[CG_CONV_PT] + p[CG_CONV_PB], (paddedW + 15) / 16 * 16 + 32, (ow + 15) / 16 * 16};
  }

  int64_t paddedImage() const { return cg * shape.paddedH * shape.pitch; }

  /// The output columns [first, second) whose window column x lies inside the image.
  std::pair<int64_t, int64_t> inside(int64_t x) const {
    int64_t shift = x * dw - pl; // input column of output column 0
    int64_t first = shift >= 0 ? 0 : (-shift + sw - 1) / sw;
    int64_t last = shift >= w ? 0 : (w - shift + sw - 1) / sw;
    first = std::min(first, ow);
    return {first, std::max(first, std::min(last, ow))};
  }

  int threads() const { return int(std::max<int64_t>(1, std::min<int64_t>({slots, int64_t(cellgrad::availableThreads()), n}))); }
};

/// columns[(c, y, x), (i, j)] = image[c, i * sh + y * dh - pt, j * sw + x * dw - pl], zero outside.
template <typename T>
void imageToColumns(const Geometry &g, const T *image, T *columns) {
  for (int64_t c = 0; c < g.cg; ++c, image += g.h * g.w)
    for (int64_t y = 0; y < g.kh; ++y)
      for (int64_t x = 0; x < g.kw; ++x) {
        auto [first, last] = g.inside(x);
        for (int64_t i = 0; i < g.oh; ++i, columns += g.ow) {
          int64_t row = i * g.sh + y * g.dh - g.pt;
          if (row < 0 || row >= g.h) {
            std::fill_n(columns, g.ow, T(0));
            continue;
          }
          std::fill_n(columns, first, T(0));
          const T *source = image + row * g.w + x * g.dw - g.pl;
          if (g.sw == 1)
            std::memcpy(columns + first, source + first, (last - first) * sizeof(T));
          else
            for (int64_t j = first; j < last; ++j)
              columns[j] = source[j * g.sw];
          std::fill_n(columns + last, g.ow - last, T(0));
        }
      }
}

/// The transpose of imageToColumns: adds every column back to its place.
template <typename T>
void columnsToImage(const Geometry &g, const T *columns, T *image) {
  std::fill_n(image, g.cg * g.h * g.w, T(0));
  for (int64_t c = 0; c < g.cg; ++c, image += g.h * g.w)
    for (int64_t y = 0; y < g.kh; ++y)
      for (int64_t x = 0; x < g.kw; ++x) {
        auto [first, last] = g.inside(x);
        for (int64_t i = 0; i < g.oh; ++i, columns += g.ow) {
          int64_t row = i * g.sh + y * g.dh - g.pt;
          if (row < 0 || row >= g.h)
            continue;
          T *target = image + row * g.w + x * g.dw - g.pl;
          if (g.sw == 1)
            for (int64_t j = first; j < last; ++j)
              target[j] += columns[j];
          else
            for (int64_t j = first; j < last; ++j)
              target[j * g.sw] += columns[j];
        }
      }
}

template <typename T>
void directForward(const Geometry &g, const T *x, const T *w, T *y, T *scratch) {
  const cellgrad::DirectRoutines<T> &routines = cellgrad::directRoutines<T>();
  int threads = g.threads();
  cellgrad::parallelPieces(threads, [&](int t) {
    T *padded = scratch + t * g.slot, *weights = padded + g.paddedImage();
    for (int64_t q = 0; q < g.groups; ++q) {
      for (int64_t o = 0; o < g.og; ++o)
        for (int64_t r = 0; r < g.rows; ++r)
          weights[r * g.og + o] = w[(q * g.og + o) * g.rows + r];
      for (int64_t i = g.n * t / threads; i < g.n * (t + 1) / threads; ++i) {
        routines.pad(g.shape, x + (i * g.c + q * g.cg) * g.h * g.w, padded);
        routines.forward(g.shape, padded, weights, y + (i * g.o + q * g.og) * g.pixels);
      }
    }
  });
}

template <typename T>
void forward(const int64_t *p, const T *x, const T *w, T *y, T *scratch) {
  Geometry g(p);
  if (g.direct)
    return directForward(g, x, w, y, scratch);
  int threads = g.threads();
  cellgrad::parallelPieces(threads, [&](int t) {
    T *columns = scratch + t * g.slot;
    for (int64_t i = g.n * t / threads; i < g.n * (t + 1) / threads; ++i)
      for (int64_t q = 0; q < g.groups; ++q) {
        imageToColumns(g, x + (i * g.c + q * g.cg) * g.h * g.w, columns);
        cellgrad::gemmHere<T>(false, false, g.og, g.pixels, g.rows, 1, w + q * g.og * g.rows, g.rows, columns, g.pixels, 0,
                              y + (i * g.o + q * g.og) * g.pixels, g.pixels);
      }
  });
}

template <typename T>
void inputGradient(const int64_t *p, const T *dy, const T *w, T *dx, T *scratch) {
  Geometry g(p);
  int threads = g.threads();
  cellgrad::parallelPieces(threads, [&](int t) {
    T *columns = scratch + t * g.slot;
    for (int64_t i = g.n * t / threads; i < g.n * (t + 1) / threads; ++i)
      for (int64_t q = 0; q < g.groups; ++q) {
        cellgrad::gemmHere<T>(true, false, g.rows, g.pixels, g.og, 1, w + q * g.og * g.rows, g.rows,
                              dy + (i * g.o + q * g.og) * g.pixels, g.pixels, 0, columns, g.pixels);
        columnsToImage(g, columns, dx + (i * g.c + q * g.cg) * g.h * g.w);
      }
  });
}

template <typename T>
void weightGradient(const int64_t *p, const T *x, const T *dy, T *dw, T *scratch) {
  Geometry g(p, true);
  int threads = g.threads();
  const cellgrad::DirectRoutines<T> &routines = cellgrad::directRoutines<T>();
  int64_t weights = g.o * g.rows, padded = (weights + 15) / 16 * 16;
  T *partial = scratch + g.slots * g.slot;
  cellgrad::parallelPieces(threads, [&](int t) {
    T *columns = scratch + t * g.slot, *sum = partial + t * padded;
    int64_t from = g.n * t / threads, to = g.n * (t + 1) / threads;
    std::fill_n(sum, weights, T(0));
    if (g.direct) {
      // Several images at once: the lanes of a sum are added up once for all of them.
      T *gradient = columns + CG_CONV_IMAGES * g.paddedImage();
      for (int64_t q = 0; q < g.groups; ++q)
        for (int64_t i = from; i < to; i += CG_CONV_IMAGES) {
          int64_t images = std::min<int64_t>(CG_CONV_IMAGES, to - i);
          for (int64_t k = 0; k < images; ++k) {
            routines.pad(g.shape, x + ((i + k) * g.c + q * g.cg) * g.h * g.w, columns + k * g.paddedImage());
            routines.padGradient(g.shape, dy + ((i + k) * g.o + q * g.og) * g.pixels, gradient + k * g.og * g.oh * g.shape.pitchY);
          }
          routines.weightGradient(g.shape, images, columns, gradient, sum + q * g.og * g.rows);
        }
      return;
    }
    for (int64_t i = from; i < to; ++i)
      for (int64_t q = 0; q < g.groups; ++q) {
        imageToColumns(g, x + (i * g.c + q * g.cg) * g.h * g.w, columns);
        cellgrad::gemmHere<T>(false, true, g.og, g.rows, g.pixels, 1, dy + (i * g.o + q * g.og) * g.pixels, g.pixels, columns,
                              g.pixels, 1, sum + q * g.og * g.rows, g.rows);
      }
  });
  for (int64_t j = 0; j < weights; ++j) {
    T sum = partial[j];
    for (int t = 1; t < threads; ++t)
      sum += partial[t * padded + j];
    dw[j] = sum;
  }
}
} // namespace

#define CG_CONV(SUFFIX, T)                                                                            \
  void cg_conv2d_##SUFFIX(const int64_t *p, const T *x, const T *w, T *y, void *scratch) {            \
    forward<T>(p, x, w, y, static_cast<T *>(scratch));                                                \
  }                                                                                                   \
  void cg_conv2d_dx_##SUFFIX(const int64_t *p, const T *dy, const T *w, T *dx, void *scratch) {       \
    inputGradient<T>(p, dy, w, dx, static_cast<T *>(scratch));                                        \
  }                                                                                                   \
  void cg_conv2d_dw_##SUFFIX(const int64_t *p, const T *x, const T *dy, T *dw, void *scratch) {       \
    weightGradient<T>(p, x, dy, dw, static_cast<T *>(scratch));                                       \
  }
CG_CONV(f32, float)
CG_CONV(f64, double)
