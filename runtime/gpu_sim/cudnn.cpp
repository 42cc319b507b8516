//===- cudnn.cpp - cuDNN's convolutions on this processor -----------------===//
// Stands in for the library where the simulator is the driver, as cublaslt.cpp does. Searches name algorithms of all kinds, so that a caller who takes the first
// one shows: some need more memory than anybody has, some give other last bits at each run, some bring NaN to neighbouring results.
#include "runtime/gpu_sim/library.h"

#define CG_CUDNN_IMPLEMENTATION
#include "runtime/gpu/cudnn.h"

#include <vector>

using namespace cellgrad::sim;

struct cudnnContext {
  CUstream_st *stream = nullptr;
};
struct cg_dnn_tensor {
  int type = -1, n = 0, c = 0, h = 0, w = 0;
  int64_t size() const { return int64_t(n) * c * h * w; }
};
struct cg_dnn_filter {
  int type = -1, o = 0, i = 0, h = 0, w = 0;
  int64_t size() const { return int64_t(o) * i * h * w; }
};
struct cg_dnn_convolution {
  int pad[2] = {}, stride[2] = {1, 1}, dilation[2] = {1, 1}, groups = 1, mathType = CUDNN_DEFAULT_MATH, computeType = -1;
};
struct cg_dnn_activation {
  int mode = -1, nan = CUDNN_NOT_PROPAGATE_NAN;
};

namespace {
constexpr size_t kWorkspace = 4096, kTooMuch = size_t(1) << 40;
enum Direction { Forward, Data, Filter };

bool isType(int type) { return type == CUDNN_DATA_FLOAT || type == CUDNN_DATA_HALF || type == CUDNN_DATA_BFLOAT16; }
Element elementOf(int type) { return type == CUDNN_DATA_FLOAT ? Element::F32 : type == CUDNN_DATA_HALF ? Element::F16 : Element::BF16; }

struct Convolution {
  cg_dnn_tensor x, y;
  cg_dnn_filter w;
  cg_dnn_convolution c;

  bool fits() const {
    auto output = [&](int axis, int in, int taps) { return (in + 2 * c.pad[axis] - c.dilation[axis] * (taps - 1) - 1) / c.stride[axis] + 1; };
    return isType(x.type) && x.type == y.type && x.type == w.type && c.computeType == CUDNN_DATA_FLOAT && x.c == w.i * c.groups && y.c == w.o && w.o % c.groups == 0 && x.n == y.n &&
           y.h == output(0, x.h, w.h) && y.w == output(1, x.w, w.w);
  }
  bool isWinograd() const { return w.h == 3 && w.w == 3 && c.stride[0] == 1 && c.stride[1] == 1 && c.dilation[0] == 1 && c.dilation[1] == 1 && c.groups == 1; }

  /// Calls visit(x's, w's and y's element) for each product of the convolution.
  template <typename Visit> void forEach(Visit visit) const {
    int outputs = w.o / c.groups;
    for (int n = 0; n < x.n; ++n)
      for (int o = 0; o < w.o; ++o)
        for (int i = 0; i < w.i; ++i)
          for (int p = 0; p < w.h; ++p)
            for (int q = 0; q < w.w; ++q)
              for (int h = 0; h < y.h; ++h)
                for (int v = 0; v < y.w; ++v) {
                  int row = h * c.stride[0] - c.pad[0] + p * c.dilation[0], column = v * c.stride[1] - c.pad[1] + q * c.dilation[1];
                  if (row < 0 || row >= x.h || column < 0 || column >= x.w)
                    continue;
                  int channel = o / outputs * w.i + i;
                  visit(((int64_t(n) * x.c + channel) * x.h + row) * x.w + column, ((int64_t(o) * w.i + i) * w.h + p) * w.w + q, ((int64_t(n) * y.c + o) * y.h + h) * y.w + v);
                }
  }
};

struct Call : Convolution {
  Direction direction;
  int algorithm;
  double alpha, beta;
  const void *left, *right, *bias, *old; // x and w, dy and w, or x and dy
  void *out;
  bool relu;

  void run() const {
    delayLibrary();
    Element type = elementOf(x.type);
    bool tf32 = type == Element::F32 && c.mathType != CUDNN_FMA_MATH;
    std::vector<double> sums(size_t(direction == Forward ? y.size() : direction == Data ? x.size() : w.size()));
    forEach([&](int64_t xi, int64_t wi, int64_t yi) {
      int64_t l = direction == Data ? yi : xi, r = direction == Filter ? yi : wi, target = direction == Forward ? yi : direction == Data ? xi : wi;
      sums[size_t(target)] += read(left, l, type, tf32) * read(right, r, type, tf32);
    });
    bool transforms = algorithm == (direction == Forward ? int(CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD_NONFUSED) : int(CUDNN_CONVOLUTION_BWD_DATA_ALGO_WINOGRAD_NONFUSED));
    for (size_t i = 1; transforms && i < sums.size(); ++i) // a tile of two
      if (i % 2 && !(std::isfinite(sums[i - 1]) && std::isfinite(sums[i])))
        sums[i] = sums[i - 1] = NAN;
    static int calls = 0;
    bool shaky = (direction == Data && algorithm == CUDNN_CONVOLUTION_BWD_DATA_ALGO_0) || (direction == Filter && algorithm != CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1 && !transforms);
    double error = shaky ? ++calls * 1e-3 : 0;
    for (size_t i = 0; i < sums.size(); ++i) {
      double value = alpha * sums[i] * (1 + error) + (beta ? beta * read(old, int64_t(i), type) : 0);
      if (bias)
        value += read(bias, int64_t(i) / (y.h * y.w) % y.c, type);
      write(out, int64_t(i), type, relu && !(value > 0) ? 0 : value);
    }
  }
};

cudnnStatus_t search(Direction direction, const Convolution &c, int wanted, int *found, cudnnConvolutionAlgoPerf_t *results) {
  *found = 0;
  if (wanted < 1 || !c.fits())
    return CUDNN_STATUS_BAD_PARAM;
  if (libraryRefuses())
    return CUDNN_STATUS_NOT_SUPPORTED;
  auto add = [&](int algo, size_t memory, int determinism = CUDNN_DETERMINISTIC) {
    if (*found < wanted)
      results[(*found)++] = {algo, CUDNN_STATUS_SUCCESS, -1, memory, determinism, c.c.mathType, {}};
  };
  if (direction == Filter) {
    add(CUDNN_CONVOLUTION_BWD_FILTER_ALGO_3, 0, CUDNN_NON_DETERMINISTIC);
  } else if (direction == Data) {
    add(CUDNN_CONVOLUTION_BWD_DATA_ALGO_0, 0, CUDNN_NON_DETERMINISTIC);
  } else {
    add(CUDNN_CONVOLUTION_FWD_ALGO_GEMM, kTooMuch);
  }
  if (c.isWinograd())
    add(direction == Forward ? int(CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD_NONFUSED) : int(CUDNN_CONVOLUTION_BWD_DATA_ALGO_WINOGRAD_NONFUSED), kWorkspace);
  add(1, kWorkspace); // of all three the product without a matrix of windows
  return CUDNN_STATUS_SUCCESS;
}

struct Memory {
  const void *data;
  int64_t size;
};
cudnnStatus_t start(cudnnHandle_t handle, Call call, std::initializer_list<Memory> memory, void *workspace, size_t workspaceBytes) {
  std::lock_guard<std::recursive_mutex> guard(driverLock());
  if (!handle || !call.fits() || call.algorithm < 0)
    return CUDNN_STATUS_BAD_PARAM;
  for (const Memory &m : memory)
    if (!isMemory(m.data, m.size, elementOf(call.x.type)))
      return CUDNN_STATUS_BAD_PARAM;
  bool isGemm = call.direction == Forward && call.algorithm == CUDNN_CONVOLUTION_FWD_ALGO_GEMM, needs = call.algorithm == 1 || (call.algorithm > 3 && call.isWinograd());
  if (isGemm || (needs && (workspaceBytes < kWorkspace || !describeFault(workspace, workspaceBytes).empty())))
    return CUDNN_STATUS_BAD_PARAM;
  CUresult result = inStream(handle->stream, [call, workspace, workspaceBytes] {
    if (workspace)
      memset(workspace, 0xff, workspaceBytes); // it is the library's
    call.run();
    return CUresult(CUDA_SUCCESS);
  });
  return result ? CUDNN_STATUS_EXECUTION_FAILED : CUDNN_STATUS_SUCCESS;
}
double number(const void *scale) { return double(*static_cast<const float *>(scale)); }

template <typename T> cudnnStatus_t create(T **out) {
  *out = new T;
  return CUDNN_STATUS_SUCCESS;
}
template <typename T> cudnnStatus_t destroy(T *descriptor) {
  delete descriptor;
  return CUDNN_STATUS_SUCCESS;
}
} // namespace

cudnnStatus_t cudnnCreate(cudnnHandle_t *handle) { return create(handle); }
size_t cudnnGetVersion(void) { return 1; }
const char *cudnnGetErrorString(cudnnStatus_t status) {
  return status == CUDNN_STATUS_SUCCESS            ? "CUDNN_STATUS_SUCCESS"
         : status == CUDNN_STATUS_BAD_PARAM        ? "CUDNN_STATUS_BAD_PARAM"
         : status == CUDNN_STATUS_EXECUTION_FAILED ? "CUDNN_STATUS_EXECUTION_FAILED"
                                                   : "CUDNN_STATUS_NOT_SUPPORTED";
}
cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, CUstream_st *stream) {
  handle->stream = stream;
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnCreateTensorDescriptor(cudnnTensorDescriptor_t *tensor) { return create(tensor); }
cudnnStatus_t cudnnDestroyTensorDescriptor(cudnnTensorDescriptor_t tensor) { return destroy(tensor); }
cudnnStatus_t cudnnSetTensor4dDescriptor(cudnnTensorDescriptor_t tensor, int format, int type, int n, int c, int h, int w) {
  if (format != CUDNN_TENSOR_NCHW || !isType(type) || n < 1 || c < 1 || h < 1 || w < 1)
    return CUDNN_STATUS_BAD_PARAM;
  *tensor = {type, n, c, h, w};
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnCreateFilterDescriptor(cudnnFilterDescriptor_t *filter) { return create(filter); }
cudnnStatus_t cudnnDestroyFilterDescriptor(cudnnFilterDescriptor_t filter) { return destroy(filter); }
cudnnStatus_t cudnnSetFilter4dDescriptor(cudnnFilterDescriptor_t filter, int type, int format, int o, int i, int h, int w) {
  if (format != CUDNN_TENSOR_NCHW || !isType(type) || o < 1 || i < 1 || h < 1 || w < 1)
    return CUDNN_STATUS_BAD_PARAM;
  *filter = {type, o, i, h, w};
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnCreateConvolutionDescriptor(cudnnConvolutionDescriptor_t *convolution) { return create(convolution); }
cudnnStatus_t cudnnDestroyConvolutionDescriptor(cudnnConvolutionDescriptor_t convolution) { return destroy(convolution); }
cudnnStatus_t cudnnSetConvolution2dDescriptor(cudnnConvolutionDescriptor_t c, int padH, int padW, int strideH, int strideW, int dilationH, int dilationW, int mode, int computeType) {
  if (padH < 0 || padW < 0 || strideH < 1 || strideW < 1 || dilationH < 1 || dilationW < 1 || mode != CUDNN_CROSS_CORRELATION || computeType != CUDNN_DATA_FLOAT)
    return CUDNN_STATUS_BAD_PARAM;
  *c = {{padH, padW}, {strideH, strideW}, {dilationH, dilationW}, c->groups, c->mathType, computeType};
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnSetConvolutionGroupCount(cudnnConvolutionDescriptor_t convolution, int groups) {
  convolution->groups = groups;
  return groups < 1 ? CUDNN_STATUS_BAD_PARAM : CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnSetConvolutionMathType(cudnnConvolutionDescriptor_t convolution, int mathType) {
  convolution->mathType = mathType;
  return mathType < CUDNN_DEFAULT_MATH || mathType > CUDNN_FMA_MATH ? CUDNN_STATUS_BAD_PARAM : CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnCreateActivationDescriptor(cudnnActivationDescriptor_t *activation) { return create(activation); }
cudnnStatus_t cudnnDestroyActivationDescriptor(cudnnActivationDescriptor_t activation) { return destroy(activation); }
cudnnStatus_t cudnnSetActivationDescriptor(cudnnActivationDescriptor_t activation, int mode, int nan, double) {
  *activation = {mode, nan};
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnGetConvolutionForwardAlgorithm_v7(cudnnHandle_t, cudnnTensorDescriptor_t x, cudnnFilterDescriptor_t w, cudnnConvolutionDescriptor_t convolution,
                                                     cudnnTensorDescriptor_t y, int wanted, int *found, cudnnConvolutionAlgoPerf_t *results) {
  return search(Forward, {*x, *y, *w, *convolution}, wanted, found, results);
}
cudnnStatus_t cudnnGetConvolutionBackwardDataAlgorithm_v7(cudnnHandle_t, cudnnFilterDescriptor_t w, cudnnTensorDescriptor_t dy, cudnnConvolutionDescriptor_t convolution,
                                                          cudnnTensorDescriptor_t dx, int wanted, int *found, cudnnConvolutionAlgoPerf_t *results) {
  return search(Data, {*dx, *dy, *w, *convolution}, wanted, found, results);
}
cudnnStatus_t cudnnGetConvolutionBackwardFilterAlgorithm_v7(cudnnHandle_t, cudnnTensorDescriptor_t x, cudnnTensorDescriptor_t dy, cudnnConvolutionDescriptor_t convolution,
                                                            cudnnFilterDescriptor_t dw, int wanted, int *found, cudnnConvolutionAlgoPerf_t *results) {
  return search(Filter, {*x, *dy, *dw, *convolution}, wanted, found, results);
}
cudnnStatus_t cudnnConvolutionForward(cudnnHandle_t handle, const void *alpha, cudnnTensorDescriptor_t xLayout, const void *x, cudnnFilterDescriptor_t wLayout, const void *w,
                                      cudnnConvolutionDescriptor_t convolution, int algo, void *workspace, size_t workspaceBytes, const void *beta, cudnnTensorDescriptor_t yLayout, void *y) {
  return start(handle, {{*xLayout, *yLayout, *wLayout, *convolution}, Forward, algo, number(alpha), number(beta), x, w, nullptr, y, y, false},
               {{x, xLayout->size()}, {w, wLayout->size()}, {y, yLayout->size()}}, workspace, workspaceBytes);
}
cudnnStatus_t cudnnConvolutionBackwardData(cudnnHandle_t handle, const void *alpha, cudnnFilterDescriptor_t wLayout, const void *w, cudnnTensorDescriptor_t dyLayout, const void *dy,
                                           cudnnConvolutionDescriptor_t convolution, int algo, void *workspace, size_t workspaceBytes, const void *beta, cudnnTensorDescriptor_t dxLayout,
                                           void *dx) {
  return start(handle, {{*dxLayout, *dyLayout, *wLayout, *convolution}, Data, algo, number(alpha), number(beta), dy, w, nullptr, dx, dx, false},
               {{dx, dxLayout->size()}, {w, wLayout->size()}, {dy, dyLayout->size()}}, workspace, workspaceBytes);
}
cudnnStatus_t cudnnConvolutionBackwardFilter(cudnnHandle_t handle, const void *alpha, cudnnTensorDescriptor_t xLayout, const void *x, cudnnTensorDescriptor_t dyLayout, const void *dy,
                                             cudnnConvolutionDescriptor_t convolution, int algo, void *workspace, size_t workspaceBytes, const void *beta,
                                             cudnnFilterDescriptor_t dwLayout, void *dw) {
  return start(handle, {{*xLayout, *dyLayout, *dwLayout, *convolution}, Filter, algo, number(alpha), number(beta), x, dy, nullptr, dw, dw, false},
               {{x, xLayout->size()}, {dw, dwLayout->size()}, {dy, dyLayout->size()}}, workspace, workspaceBytes);
}
cudnnStatus_t cudnnConvolutionBiasActivationForward(cudnnHandle_t handle, const void *alpha, cudnnTensorDescriptor_t xLayout, const void *x, cudnnFilterDescriptor_t wLayout, const void *w,
                                                    cudnnConvolutionDescriptor_t convolution, int algo, void *workspace, size_t workspaceBytes, const void *alpha2,
                                                    cudnnTensorDescriptor_t zLayout, const void *z, cudnnTensorDescriptor_t biasLayout, const void *bias,
                                                    cudnnActivationDescriptor_t activation, cudnnTensorDescriptor_t yLayout, void *y) {
  bool relu = activation->mode == CUDNN_ACTIVATION_RELU, identity = activation->mode == CUDNN_ACTIVATION_IDENTITY;
  if (activation->nan != CUDNN_NOT_PROPAGATE_NAN || (!relu && !identity) || (identity && algo != CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM))
    return CUDNN_STATUS_NOT_SUPPORTED;
  if (algo == CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD_NONFUSED) // it is listed for the convolution alone
    return CUDNN_STATUS_NOT_SUPPORTED;
  if (biasLayout->c != yLayout->c || biasLayout->size() != yLayout->c || biasLayout->type != yLayout->type || zLayout->size() != yLayout->size())
    return CUDNN_STATUS_BAD_PARAM;
  return start(handle, {{*xLayout, *yLayout, *wLayout, *convolution}, Forward, algo, number(alpha), number(alpha2), x, w, bias, z, y, relu},
               {{x, xLayout->size()}, {w, wLayout->size()}, {y, yLayout->size()}, {z, zLayout->size()}, {bias, biasLayout->c}}, workspace, workspaceBytes);
}
