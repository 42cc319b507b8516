//===- convolutions.cpp - convolutions by cuDNN ---------------------------===//
#include "runtime/cpu/cellgrad_cpu.h"
#include "runtime/gpu/cudnn.h"
#include "runtime/gpu/libraries.h"

#include <dlfcn.h>
#include <vector>

using namespace cellgrad::gpu;

namespace {
struct Library {
#define CG_MEMBER(result, name, parameters) result(*name) parameters = nullptr;
  CG_CUDNN(CG_MEMBER)
#undef CG_MEMBER
};
Library library;

/// A convolution as the library sees it, on one device: x and y, w, and how they belong together, whichever of them is computed.
struct Plan : LibraryPlan {
  cudnnTensorDescriptor_t x = nullptr, y = nullptr, bias = nullptr;
  cudnnFilterDescriptor_t w = nullptr;
  cudnnConvolutionDescriptor_t convolution = nullptr;
  cudnnActivationDescriptor_t activation = nullptr;
  struct Algorithm {
    int number, math;
  };
  std::vector<Algorithm> algorithms; // what the library lists and may be taken; the first is in use

  void destroy() {
    for (cudnnTensorDescriptor_t tensor : {x, y, bias})
      if (tensor)
        library.cudnnDestroyTensorDescriptor(tensor);
    if (w)
      library.cudnnDestroyFilterDescriptor(w);
    if (convolution)
      library.cudnnDestroyConvolutionDescriptor(convolution);
    if (activation)
      library.cudnnDestroyActivationDescriptor(activation);
  }
};
cudnnHandle_t handles[kMaxDevices];
PlanTable<Plan> plans;

int typeOf(int64_t type) { return type == CG_PRODUCT_F16 ? CUDNN_DATA_HALF : type == CG_PRODUCT_BF16 ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT; }

/// Calls of the library one after the other, up to the first that fails.
struct Calls {
  cudnnStatus_t status = CUDNN_STATUS_SUCCESS;
  const char *doing = "";

  template <typename Call> Calls &operator()(const char *what, Call call) {
    if (status == CUDNN_STATUS_SUCCESS) {
      doing = what;
      status = call();
    }
    return *this;
  }
  bool isUnsupported() const { return status >= CUDNN_STATUS_NOT_SUPPORTED && status < CUDNN_STATUS_INTERNAL_ERROR; }
  std::string text() const { return status == CUDNN_STATUS_SUCCESS ? "" : std::string(doing) + ": " + library.cudnnGetErrorString(status); }
};

/// Algorithms that compute products of transforms (Fourier, Winograd) bring a NaN or an infinity of one element to its neighbours' results.
bool isDirect(int64_t kind, int algorithm) {
  return kind == CG_PRODUCT_CONV      ? algorithm <= CUDNN_CONVOLUTION_FWD_ALGO_DIRECT
         : kind == CG_PRODUCT_CONV_DX ? algorithm <= CUDNN_CONVOLUTION_BWD_DATA_ALGO_1
                                      : algorithm <= CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1 || algorithm == CUDNN_CONVOLUTION_BWD_FILTER_ALGO_3;
}

/// Sets up the first algorithm of the plan.
cudnnStatus_t useFirst(const Plan &plan, const Record &r) {
  bool exact = r[CG_PRODUCT_FACTOR_TYPE] == CG_PRODUCT_F32 && !r[CG_PRODUCT_TF32]; // what the descriptor says already is what counts
  return exact ? cudnnStatus_t(CUDNN_STATUS_SUCCESS) : library.cudnnSetConvolutionMathType(plan.convolution, plan.algorithms.front().math);
}

/// The library's choice, in its order, among the algorithms that give the same numbers at each run and need no more than the memory there is.
void chooseAlgorithm(Calls &run, cudnnHandle_t handle, const Record &r, Plan &plan) {
  constexpr int kMost = 16;
  cudnnConvolutionAlgoPerf_t found[kMost] = {};
  int count = 0;
  int64_t kind = r[CG_PRODUCT_KIND];
  if (kind == CG_PRODUCT_CONV)
    run("cudnnGetConvolutionForwardAlgorithm_v7", [&] { return library.cudnnGetConvolutionForwardAlgorithm_v7(handle, plan.x, plan.w, plan.convolution, plan.y, kMost, &count, found); });
  else if (kind == CG_PRODUCT_CONV_DX)
    run("cudnnGetConvolutionBackwardDataAlgorithm_v7",
        [&] { return library.cudnnGetConvolutionBackwardDataAlgorithm_v7(handle, plan.w, plan.y, plan.convolution, plan.x, kMost, &count, found); });
  else
    run("cudnnGetConvolutionBackwardFilterAlgorithm_v7",
        [&] { return library.cudnnGetConvolutionBackwardFilterAlgorithm_v7(handle, plan.x, plan.y, plan.convolution, plan.w, kMost, &count, found); });
  bool exact = r[CG_PRODUCT_FACTOR_TYPE] == CG_PRODUCT_F32 && !r[CG_PRODUCT_TF32];
  run("choosing an algorithm", [&] {
    for (int i = 0; i < count; ++i) {
      int math = found[i].mathType;
      bool takes = math == CUDNN_FMA_MATH || math == CUDNN_DEFAULT_MATH || (math == CUDNN_TENSOR_OP_MATH && !exact);
      if (!takes || found[i].status != CUDNN_STATUS_SUCCESS || found[i].determinism != CUDNN_DETERMINISTIC || found[i].memory > size_t(r[CG_PRODUCT_WORKSPACE]) ||
          (r[CG_PRODUCT_KEEPS_NAN] && !isDirect(kind, found[i].algo)))
        continue;
      plan.algorithms.push_back({found[i].algo, math});
    }
    return plan.algorithms.empty() ? cudnnStatus_t(CUDNN_STATUS_NOT_SUPPORTED) : useFirst(plan, r);
  });
}

/// Makes the plan, or says why there is none.
void makePlan(Device &device, const Record &r, Plan &plan) {
  const Library &dnn = library;
  const int64_t *size = r.data() + CG_PRODUCT_SIZES;
  auto at = [&](int field) { return int(size[field]); };
  int type = typeOf(r[CG_PRODUCT_FACTOR_TYPE]);
  Calls run;
  cudnnHandle_t &handle = handles[device.number];
  if (!handle)
    run("cudnnCreate", [&] { return dnn.cudnnCreate(&handle); });
  auto tensor = [&](cudnnTensorDescriptor_t &descriptor, int n, int c, int h, int w) {
    run("cudnnCreateTensorDescriptor", [&] { return dnn.cudnnCreateTensorDescriptor(&descriptor); });
    run("cudnnSetTensor4dDescriptor", [&] { return dnn.cudnnSetTensor4dDescriptor(descriptor, CUDNN_TENSOR_NCHW, type, n, c, h, w); });
  };
  tensor(plan.x, at(CG_CONV_N), at(CG_CONV_C), at(CG_CONV_H), at(CG_CONV_W));
  tensor(plan.y, at(CG_CONV_N), at(CG_CONV_O), at(CG_CONV_OH), at(CG_CONV_OW));
  run("cudnnCreateFilterDescriptor", [&] { return dnn.cudnnCreateFilterDescriptor(&plan.w); });
  run("cudnnSetFilter4dDescriptor",
      [&] { return dnn.cudnnSetFilter4dDescriptor(plan.w, type, CUDNN_TENSOR_NCHW, at(CG_CONV_O), at(CG_CONV_C) / at(CG_CONV_GROUPS), at(CG_CONV_KH), at(CG_CONV_KW)); });
  run("cudnnCreateConvolutionDescriptor", [&] { return dnn.cudnnCreateConvolutionDescriptor(&plan.convolution); });
  run("cudnnSetConvolution2dDescriptor", [&] {
    return dnn.cudnnSetConvolution2dDescriptor(plan.convolution, at(CG_CONV_PT), at(CG_CONV_PL), at(CG_CONV_SH), at(CG_CONV_SW), at(CG_CONV_DH), at(CG_CONV_DW),
                                               CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT);
  });
  run("cudnnSetConvolutionGroupCount", [&] { return dnn.cudnnSetConvolutionGroupCount(plan.convolution, at(CG_CONV_GROUPS)); });
  int math = type != CUDNN_DATA_FLOAT ? CUDNN_TENSOR_OP_MATH : r[CG_PRODUCT_TF32] ? CUDNN_DEFAULT_MATH : CUDNN_FMA_MATH;
  run("cudnnSetConvolutionMathType", [&] { return dnn.cudnnSetConvolutionMathType(plan.convolution, math); });
  if (r[CG_PRODUCT_EPILOGUE] == CG_PRODUCT_RELU_BIAS) {
    tensor(plan.bias, 1, at(CG_CONV_O), 1, 1);
    run("cudnnCreateActivationDescriptor", [&] { return dnn.cudnnCreateActivationDescriptor(&plan.activation); });
    run("cudnnSetActivationDescriptor", [&] { return dnn.cudnnSetActivationDescriptor(plan.activation, CUDNN_ACTIVATION_RELU, CUDNN_NOT_PROPAGATE_NAN, 0); });
  } else if (r[CG_PRODUCT_EPILOGUE] != CG_PRODUCT_PLAIN) {
    run("epilogue", [] { return CUDNN_STATUS_NOT_SUPPORTED; });
  }
  chooseAlgorithm(run, handle, r, plan);
  plan.forGood = run.isUnsupported();
  plan.refused = run.text();
}

std::string shapeOf(const Record &r) {
  const int64_t *size = r.data() + CG_PRODUCT_SIZES;
  auto text = [&](std::initializer_list<int> fields) {
    std::string out;
    for (int field : fields)
      out += (out.empty() ? "[" : ", ") + std::to_string(field == CG_CONV_C && fields.begin()[0] == CG_CONV_O ? size[CG_CONV_C] / size[CG_CONV_GROUPS] : size[field]);
    return out + "]";
  };
  static const char *const kinds[] = {"", "a convolution", "the input gradient of a convolution", "the filter gradient of a convolution"};
  return kinds[r[CG_PRODUCT_KIND] & 3] + (" of " + text({CG_CONV_N, CG_CONV_C, CG_CONV_H, CG_CONV_W})) + " by " + text({CG_CONV_O, CG_CONV_C, CG_CONV_KH, CG_CONV_KW});
}

/// Not 0: the reason is set.
int convolve(Device &device, const Record &r, const Operands &o) {
  std::string why;
  Plan *plan = plans.find(device, r, makePlan, why);
  if (!plan)
    return fail("%s: cuDNN does not take %s (%s); choose products=\"generated\" or \"measured\"", device.title().c_str(), shapeOf(r).c_str(), why.c_str());
  cudnnHandle_t handle = handles[device.number];
  const Library &dnn = library;
  Plan &p = *plan;
  float one = 1, none = 0, beta = float(r[CG_PRODUCT_ADDS]);
  size_t bytes = size_t(r[CG_PRODUCT_WORKSPACE]);
  auto compute = [&] {
    int algorithm = p.algorithms.front().number;
    if (r[CG_PRODUCT_KIND] == CG_PRODUCT_CONV_DX)
      return dnn.cudnnConvolutionBackwardData(handle, &one, p.w, o.right, p.y, o.left, p.convolution, algorithm, o.workspace, bytes, &beta, p.x, o.result);
    if (r[CG_PRODUCT_KIND] == CG_PRODUCT_CONV_DW)
      return dnn.cudnnConvolutionBackwardFilter(handle, &one, p.x, o.left, p.y, o.right, p.convolution, algorithm, o.workspace, bytes, &beta, p.w, o.result);
    if (o.bias)
      return dnn.cudnnConvolutionBiasActivationForward(handle, &one, p.x, o.left, p.w, o.right, p.convolution, algorithm, o.workspace, bytes, &none, p.y, o.result, p.bias, o.bias,
                                                       p.activation, p.y, o.result);
    return dnn.cudnnConvolutionForward(handle, &one, p.x, o.left, p.w, o.right, p.convolution, algorithm, o.workspace, bytes, &beta, p.y, o.result);
  };
  Calls run;
  run("cudnnSetStream", [&] { return dnn.cudnnSetStream(handle, running.stream); });
  bool isReady = run.status == CUDNN_STATUS_SUCCESS;
  run("the convolution", compute);
  // An algorithm is listed for a convolution without what is fused to it: the next one may take both.
  while (isReady && run.isUnsupported() && p.algorithms.size() > 1) {
    p.algorithms.erase(p.algorithms.begin());
    run = Calls();
    run("choosing an algorithm", [&] { return useFirst(p, r); })("the convolution", compute);
  }
  if (run.status != CUDNN_STATUS_SUCCESS)
    return fail("%s: cuDNN failed on %s: %s", device.title().c_str(), shapeOf(r).c_str(), run.text().c_str());
  return CG_GPU_OK;
}

class Cudnn : public ProductLibrary {
public:
  Cudnn() : ProductLibrary("cuDNN") {}

private:
  const char *variable() const override { return "CELLGRAD_CUDNN"; }
  // It finds its own parts and cuBLASLt from where it lies.
  std::vector<std::string> fileNames() const override { return {beside("../../nvidia/cudnn/lib/libcudnn.so.9"), "libcudnn.so.9"}; }
  const char *what() const override { return "convolutions"; }
  const char *started() const override { return "a convolution by cuDNN"; }
  const char *lookUp(void *handle) override {
    const char *missing = nullptr;
#define CG_LOOK_UP(result, name, parameters)                                                                                            \
  library.name = reinterpret_cast<result(*) parameters>(dlsym(handle, #name));                                                          \
  missing = library.name ? missing : #name;
    CG_CUDNN(CG_LOOK_UP)
#undef CG_LOOK_UP
    if (!missing)
      version = library.cudnnGetVersion();
    return missing;
  }
  int run(Device &device, const Record &record, const Operands &operands) override { return convolve(device, record, operands); }
};
Cudnn cudnn;
} // namespace

ProductLibrary &cellgrad::gpu::convolutionLibrary() { return cudnn; }
