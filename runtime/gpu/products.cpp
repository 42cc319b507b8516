//===- products.cpp - matrix products by cuBLASLt --------------------------===//
#include "runtime/gpu/cublaslt.h"
#include "runtime/gpu/libraries.h"

#include <algorithm>
#include <dlfcn.h>

using namespace cellgrad::gpu;

namespace {
struct Library {
#define CG_MEMBER(result, name, parameters) result(*name) parameters = nullptr;
  CG_CUBLASLT(CG_MEMBER)
#undef CG_MEMBER
};
Library library;

/// A product as the library sees it, on one device. Its matrices lie column by column, so ours are transposed to it: result' = right' * left'.
struct Plan : LibraryPlan {
  cublasLtMatmulDesc_t product = nullptr;
  cublasLtMatrixLayout_t first = nullptr, second = nullptr, result = nullptr;
  cublasLtMatmulHeuristicResult_t best = {};

  void destroy() {
    if (product)
      library.cublasLtMatmulDescDestroy(product);
    for (cublasLtMatrixLayout_t matrix : {first, second, result})
      if (matrix)
        library.cublasLtMatrixLayoutDestroy(matrix);
  }
};
cublasLtHandle_t handles[kMaxDevices];
PlanTable<Plan> plans;

int typeOf(int64_t type) { return type == CG_PRODUCT_F16 ? CUDA_R_16F : type == CG_PRODUCT_BF16 ? CUDA_R_16BF : type == CG_PRODUCT_F32 ? CUDA_R_32F : CUDA_R_64F; }

/// Makes the plan, or says why there is none.
void makePlan(Device &device, const Record &r, Plan &plan) {
  const Library &lt = library;
  cublasStatus_t status = CUBLAS_STATUS_SUCCESS;
  const char *doing = "";
  auto run = [&](const char *what, auto call) {
    if (status == CUBLAS_STATUS_SUCCESS) {
      doing = what;
      status = call();
    }
  };
  if (!handles[device.number])
    run("cublasLtCreate", [&] { return lt.cublasLtCreate(&handles[device.number]); });
  bool wide = r[CG_PRODUCT_FACTOR_TYPE] == CG_PRODUCT_F64;
  int compute = wide ? CUBLAS_COMPUTE_64F : r[CG_PRODUCT_TF32] ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
  run("cublasLtMatmulDescCreate", [&] { return lt.cublasLtMatmulDescCreate(&plan.product, compute, wide ? CUDA_R_64F : CUDA_R_32F); });
  static const int32_t epilogues[] = {CUBLASLT_EPILOGUE_DEFAULT, CUBLASLT_EPILOGUE_BIAS, CUBLASLT_EPILOGUE_RELU, CUBLASLT_EPILOGUE_RELU_BIAS, CUBLASLT_EPILOGUE_GELU, CUBLASLT_EPILOGUE_GELU_BIAS};
  int32_t first = int32_t(r[CG_PRODUCT_RIGHT_TRANSPOSED]), second = int32_t(r[CG_PRODUCT_LEFT_TRANSPOSED]), epilogue = epilogues[std::min<int64_t>(r[CG_PRODUCT_EPILOGUE], CG_PRODUCT_GELU_BIAS)];
  auto set = [&](int attribute, const int32_t &value) {
    run("cublasLtMatmulDescSetAttribute", [&] { return lt.cublasLtMatmulDescSetAttribute(plan.product, attribute, &value, sizeof value); });
  };
  set(CUBLASLT_MATMUL_DESC_TRANSA, first);
  set(CUBLASLT_MATMUL_DESC_TRANSB, second);
  set(CUBLASLT_MATMUL_DESC_EPILOGUE, epilogue);
  auto layout = [&](cublasLtMatrixLayout_t &matrix, int64_t type, int64_t rows, int64_t columns, int64_t ld, int64_t step) {
    run("cublasLtMatrixLayoutCreate", [&] { return lt.cublasLtMatrixLayoutCreate(&matrix, typeOf(type), uint64_t(rows), uint64_t(columns), ld); });
    int32_t batches = int32_t(r[CG_PRODUCT_BATCH]);
    if (batches == 1)
      return;
    run("cublasLtMatrixLayoutSetAttribute", [&] { return lt.cublasLtMatrixLayoutSetAttribute(matrix, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &batches, sizeof batches); });
    run("cublasLtMatrixLayoutSetAttribute", [&] { return lt.cublasLtMatrixLayoutSetAttribute(matrix, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, &step, sizeof step); });
  };
  int64_t m = r[CG_PRODUCT_M], n = r[CG_PRODUCT_N], k = r[CG_PRODUCT_K];
  layout(plan.first, r[CG_PRODUCT_FACTOR_TYPE], first ? k : n, first ? n : k, r[CG_PRODUCT_RIGHT_LD], r[CG_PRODUCT_RIGHT_STEP]);
  layout(plan.second, r[CG_PRODUCT_FACTOR_TYPE], second ? m : k, second ? k : m, r[CG_PRODUCT_LEFT_LD], r[CG_PRODUCT_LEFT_STEP]);
  layout(plan.result, r[CG_PRODUCT_RESULT_TYPE], n, m, r[CG_PRODUCT_RESULT_LD], r[CG_PRODUCT_RESULT_STEP]);
  cublasLtMatmulPreference_t search = nullptr;
  run("cublasLtMatmulPreferenceCreate", [&] { return lt.cublasLtMatmulPreferenceCreate(&search); });
  size_t workspace = size_t(r[CG_PRODUCT_WORKSPACE]);
  run("cublasLtMatmulPreferenceSetAttribute",
      [&] { return lt.cublasLtMatmulPreferenceSetAttribute(search, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &workspace, sizeof workspace); });
  uint32_t alignment = uint32_t(r[CG_PRODUCT_ALIGNMENT]); // of a, b, c and d
  for (int what = CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES; what <= CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES; ++what)
    run("cublasLtMatmulPreferenceSetAttribute", [&] { return lt.cublasLtMatmulPreferenceSetAttribute(search, what, &alignment, sizeof alignment); });
  int found = 0;
  run("cublasLtMatmulAlgoGetHeuristic",
      [&] { return lt.cublasLtMatmulAlgoGetHeuristic(handles[device.number], plan.product, plan.first, plan.second, plan.result, plan.result, search, 1, &plan.best, &found); });
  if (search)
    lt.cublasLtMatmulPreferenceDestroy(search);
  if (status == CUBLAS_STATUS_SUCCESS && (!found || plan.best.state != CUBLAS_STATUS_SUCCESS))
    status = CUBLAS_STATUS_NOT_SUPPORTED;
  plan.forGood = status == CUBLAS_STATUS_NOT_SUPPORTED;
  if (status != CUBLAS_STATUS_SUCCESS)
    plan.refused = std::string(doing) + ": " + lt.cublasLtGetStatusString(status);
}

int multiply(Device &device, const Record &r, const Operands &operands) {
  std::string shape = std::to_string(r[CG_PRODUCT_M]) + " x " + std::to_string(r[CG_PRODUCT_K]) + " by " + std::to_string(r[CG_PRODUCT_K]) + " x " + std::to_string(r[CG_PRODUCT_N]), why;
  Plan *found = plans.find(device, r, makePlan, why);
  if (!found)
    return fail("%s: cuBLASLt does not take a product of %s (%s); choose products=\"generated\" or \"measured\"", device.title().c_str(), shape.c_str(), why.c_str());
  Plan &plan = *found;
  cublasStatus_t status = CUBLAS_STATUS_SUCCESS;
  if (operands.bias)
    status = library.cublasLtMatmulDescSetAttribute(plan.product, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &operands.bias, sizeof operands.bias);
  float one = 1, beta = float(r[CG_PRODUCT_ADDS]);
  double wideOne = 1, wideBeta = double(beta);
  bool wide = r[CG_PRODUCT_FACTOR_TYPE] == CG_PRODUCT_F64;
  if (status == CUBLAS_STATUS_SUCCESS)
    status = library.cublasLtMatmul(handles[device.number], plan.product, wide ? static_cast<void *>(&wideOne) : &one, operands.right, plan.first, operands.left, plan.second,
                                    wide ? static_cast<void *>(&wideBeta) : &beta, operands.result, plan.result, operands.result, plan.result, &plan.best.algo, operands.workspace, plan.best.workspaceSize,
                                    running.stream);
  if (status != CUBLAS_STATUS_SUCCESS)
    return fail("%s: cuBLASLt failed on a product of %s: %s", device.title().c_str(), shape.c_str(), library.cublasLtGetStatusString(status));
  return CG_GPU_OK;
}

class CublasLt : public ProductLibrary {
public:
  CublasLt() : ProductLibrary("cuBLASLt") {}

private:
  const char *variable() const override { return "CELLGRAD_CUBLASLT"; }
  std::vector<std::string> fileNames() const override { return {beside("../../nvidia/cu13/lib/libcublasLt.so.13"), "libcublasLt.so.13", "libcublasLt.so.12"}; }
  const char *what() const override { return "products"; }
  const char *started() const override { return "a product by cuBLASLt"; }
  const char *lookUp(void *handle) override {
    const char *missing = nullptr;
#define CG_LOOK_UP(result, name, parameters)                                                                                            \
  library.name = reinterpret_cast<result(*) parameters>(dlsym(handle, #name));                                                          \
  missing = library.name ? missing : #name;
    CG_CUBLASLT(CG_LOOK_UP)
#undef CG_LOOK_UP
    if (!missing)
      version = library.cublasLtGetVersion();
    return missing;
  }
  int run(Device &device, const Record &record, const Operands &operands) override { return multiply(device, record, operands); }
};
CublasLt cublasLt;
} // namespace

ProductLibrary &cellgrad::gpu::matrixLibrary() { return cublasLt; }
