//===- conv_direct.h - convolution of small images without a window matrix ===//
#ifndef CELLGRAD_RUNTIME_CPU_CONV_DIRECT_H
#define CELLGRAD_RUNTIME_CPU_CONV_DIRECT_H

#include <cstdint>

namespace cellgrad {

/// One group of one image with stride and dilation 1. Rows of the padded image lie `pitch` elements apart, rows of the padded gradient
/// `pitchY`; both end in zeros, so that whole vectors can be read.
struct DirectShape {
  int64_t c, h, w, padTop, padLeft, o, kh, kw, oh, ow;
  int64_t paddedH, pitch, pitchY;
};

template <typename T>
struct DirectRoutines {
  /// padded[c][paddedH][pitch] from image[c][h][w].
  void (*pad)(const DirectShape &s, const T *image, T *padded);
  /// paddedY[o][oh][pitchY] from y[o][oh][ow].
  void (*padGradient)(const DirectShape &s, const T *y, T *paddedY);
  /// y[o][oh][ow] from the padded image and w[c * kh * kw][o] (transposed).
  void (*forward)(const DirectShape &s, const T *padded, const T *weights, T *y);
  /// Adds the sums over `images` padded images and gradients, one after the other in memory, to dw[o][c * kh * kw]; kw at most 7.
  void (*weightGradient)(const DirectShape &s, int64_t images, const T *padded, const T *paddedY, T *dw);
};

/// The routines for the widest vectors of this machine.
template <typename T>
const DirectRoutines<T> &directRoutines();

constexpr int64_t kDirectMaxKernel = 7;

} // namespace cellgrad

#endif // CELLGRAD_RUNTIME_CPU_CONV_DIRECT_H
