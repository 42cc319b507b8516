//===- products.cpp - matrix products by cuBLASLt, and when they are faster ===//
#include "runtime/cpu/cellgrad_cpu.h"
#include "runtime/gpu/cublaslt.h"
#include "runtime/gpu/gpu.h"

#include <array>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <map>

using namespace cellgrad::gpu;

namespace {
using Record = std::array<int64_t, CG_PRODUCT_FIELDS>;
Record recordAt(const int64_t *numbers) {
  Record record;
  memcpy(record.data(), numbers, sizeof record);
  return record;
}

struct Library {
#define CG_MEMBER(result, name, parameters) result(*name) parameters = nullptr;
  CG_CUBLASLT(CG_MEMBER)
#undef CG_MEMBER
  size_t version = 0;
};
Library library;
enum { kUntried, kLoaded, kMissing } libraryState = kUntried;
std::string whyMissing;
std::mutex lock; // of all below, and of the library's descriptors

/// CELLGRAD_CUBLASLT names the library; the simulator is its own. Else that of the wheel beside this package, else the system's. The lock is held.
bool openLibrary() {
  if (libraryState != kUntried)
    return libraryState == kLoaded;
  libraryState = kMissing;
  const char *chosen = getenv("CELLGRAD_CUBLASLT"), *driverName = getenv("CELLGRAD_CUDA_DRIVER");
  std::vector<std::string> names;
  if (chosen && *chosen)
    names = {chosen};
  else if (driverName && !strcmp(driverName, "sim"))
    names = {beside("libcellgrad_gpu_sim.so")};
  else
    names = {beside("../../nvidia/cu13/lib/libcublasLt.so.13"), "libcublasLt.so.13", "libcublasLt.so.12"};
  void *handle = nullptr;
  for (size_t i = 0; !handle && i < names.size(); ++i)
    if (!(handle = dlopen(names[i].c_str(), RTLD_NOW | RTLD_LOCAL))) {
      const char *why = dlerror();
      whyMissing = why ? why : names[i] + " cannot be loaded";
    }
  if (!handle)
    return false;
  const char *missing = nullptr;
#define CG_LOOK_UP(result, name, parameters)                                                                                            \
  library.name = reinterpret_cast<result(*) parameters>(dlsym(handle, #name));                                                          \
  missing = library.name ? missing : #name;
  CG_CUBLASLT(CG_LOOK_UP)
#undef CG_LOOK_UP
  if (missing) {
    whyMissing = std::string("it has no function ") + missing;
    return false;
  }
  library.version = library.cublasLtGetVersion();
  libraryState = kLoaded;
  return true;
}

/// A product as the library sees it, on one device. Its matrices lie column by column, so ours are transposed to it: result' = right' * left'.
struct Plan {
  cublasLtMatmulDesc_t product = nullptr;
  cublasLtMatrixLayout_t first = nullptr, second = nullptr, result = nullptr;
  cublasLtMatmulHeuristicResult_t best = {};
  std::string refused; // why the library does not take it
  bool forGood = false; // not for want of memory, say

  void destroy() {
    if (product)
      library.cublasLtMatmulDescDestroy(product);
    for (cublasLtMatrixLayout_t matrix : {first, second, result})
      if (matrix)
        library.cublasLtMatrixLayoutDestroy(matrix);
  }
};
cublasLtHandle_t handles[kMaxDevices];
std::map<std::pair<int, Record>, Plan> plans;

int typeOf(int64_t type) { return type == CG_PRODUCT_F16 ? CUDA_R_16F : type == CG_PRODUCT_BF16 ? CUDA_R_16BF : type == CG_PRODUCT_F32 ? CUDA_R_32F : CUDA_R_64F; }

/// Makes the plan; the text of what failed, or an empty one.
std::string makePlan(Device &device, const Record &r, Plan &plan) {
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
  static const int32_t epilogues[] = {CUBLASLT_EPILOGUE_DEFAULT, CUBLASLT_EPILOGUE_BIAS, CUBLASLT_EPILOGUE_RELU, CUBLASLT_EPILOGUE_RELU_BIAS};
  int32_t first = int32_t(r[CG_PRODUCT_RIGHT_TRANSPOSED]), second = int32_t(r[CG_PRODUCT_LEFT_TRANSPOSED]), epilogue = epilogues[r[CG_PRODUCT_EPILOGUE] & 3];
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
  return status == CUBLAS_STATUS_SUCCESS ? "" : std::string(doing) + ": " + lt.cublasLtGetStatusString(status);
}

/// Not 0: the reason is set.
int multiply(Device &device, const Record &r, const void *left, const void *right, const void *bias, void *workspace, void *result) {
  std::lock_guard<std::mutex> guard(lock);
  if (!openLibrary())
    return fail("products are to be computed by cuBLASLt, which is not there (%s): pip install 'cellgrad[cuda]', or choose products=\"generated\"", whyMissing.c_str());
  auto [place, isNew] = plans.try_emplace({device.number, r});
  Plan &plan = place->second;
  if (isNew)
    plan.refused = makePlan(device, r, plan);
  std::string shape = std::to_string(r[CG_PRODUCT_M]) + " x " + std::to_string(r[CG_PRODUCT_K]) + " by " + std::to_string(r[CG_PRODUCT_K]) + " x " + std::to_string(r[CG_PRODUCT_N]);
  if (!plan.refused.empty()) {
    std::string why = plan.refused;
    if (!plan.forGood) { // the next call may have more luck
      plan.destroy();
      plans.erase(place);
    }
    return fail("%s: cuBLASLt does not take a product of %s (%s); choose products=\"generated\" or \"measured\"", device.title().c_str(), shape.c_str(), why.c_str());
  }
  cublasStatus_t status = CUBLAS_STATUS_SUCCESS;
  if (bias)
    status = library.cublasLtMatmulDescSetAttribute(plan.product, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &bias, sizeof bias);
  float one = 1, beta = float(r[CG_PRODUCT_ADDS]);
  double wideOne = 1, wideBeta = double(beta);
  bool wide = r[CG_PRODUCT_FACTOR_TYPE] == CG_PRODUCT_F64;
  if (status == CUBLAS_STATUS_SUCCESS)
    status = library.cublasLtMatmul(handles[device.number], plan.product, wide ? static_cast<void *>(&wideOne) : &one, right, plan.first, left, plan.second,
                                    wide ? static_cast<void *>(&wideBeta) : &beta, result, plan.result, result, plan.result, &plan.best.algo, workspace, plan.best.workspaceSize,
                                    running.stream);
  if (status != CUBLAS_STATUS_SUCCESS)
    return fail("%s: cuBLASLt failed on a product of %s: %s", device.title().c_str(), shape.c_str(), library.cublasLtGetStatusString(status));
  ++running.launches;
  running.lastKernel = "a product by cuBLASLt";
  if (running.stream == device.stream)
    device.note(running.lastKernel);
  return CG_GPU_OK;
}

//===----------------------------------------------------------------------===//
// Which way is faster
//===----------------------------------------------------------------------===//

/// Raised when generated kernels change so much that measured choices are out of date.
constexpr int kRules = 2;
std::unordered_map<std::string, int64_t> choices; // key -> way
/// A library that failed so often on a product is not asked again in this process.
constexpr int kFailures = 3;
std::unordered_map<std::string, int> failures; // by key
bool choicesRead = false;

/// The file that keeps measured choices, beside the compiled programs; empty: there is no cache.
std::string choicesFile() {
  const char *chosen = getenv("CELLGRAD_CACHE_DIR"), *base = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
  if (chosen)
    return *chosen ? std::string(chosen) + "/gpu-products.txt" : "";
  std::string folder = base && *base ? base : home && *home ? std::string(home) + "/.cache" : "";
  return folder.empty() ? "" : folder + "/cellgrad/gpu-products.txt";
}

std::string keyOf(Device &device, const Record &r) {
  std::string key = std::to_string(kRules) + "|" + device.about.name + "|" + device.about.chip + "|driver " + std::to_string(device.about.driver_version) + "|cublasLt " + std::to_string(library.version) + "|";
  for (int64_t number : r)
    key += std::to_string(number) + ",";
  return key;
}

void readChoices() {
  choicesRead = true;
  FILE *file = fopen(choicesFile().c_str(), "r");
  if (!file)
    return;
  char line[1024];
  while (fgets(line, sizeof line, file)) {
    char *tab = strchr(line, '\t');
    if (!tab)
      continue;
    *tab = 0;
    if (!strncmp(tab + 1, "library\t", 8))
      choices[line] = CG_PRODUCT_BY_LIBRARY;
    else if (!strncmp(tab + 1, "generated\t", 10))
      choices[line] = CG_PRODUCT_GENERATED;
  }
  fclose(file);
}

/// For this process only: the next one may have more memory, or another library.
void noteFailure(const std::string &key) {
  if (++failures[key] >= kFailures)
    choices[key] = CG_PRODUCT_GENERATED;
}

void keepChoice(const std::string &key, int64_t way, const float *times) {
  if (!choices.emplace(key, way).second)
    return;
  std::string path = choicesFile();
  if (FILE *file = path.empty() ? nullptr : fopen(path.c_str(), "a")) { // one write per line: several processes may
    setvbuf(file, nullptr, _IOFBF, 2048);
    fprintf(file, "%s\t%s\t%.4f ms generated, %.4f ms library\n", key.c_str(), way == CG_PRODUCT_BY_LIBRARY ? "library" : "generated", double(times[0]), double(times[1]));
    fclose(file);
  }
}

/// One thread measures at a time, as others would disturb it. Where it has not moved for so long it was stopped.
using Clock = std::chrono::steady_clock;
constexpr auto kStopped = std::chrono::seconds(10);
const void *measuring = nullptr;
Clock::time_point measuredLast;

/// A product that is being measured: each way once to warm up, then in turn, then the faster one for good.
struct Measurement {
  static constexpr int kRounds = 3, kSteps = 2 + 2 * kRounds;
  int step = -1; // -1: nothing is measured
  int64_t launches = 0; // of the program, before
  float times[2] = {}; // the shortest, of each way
  CUevent begin = nullptr, end = nullptr;

  const Driver *driver = nullptr; // of the events

  void finish() {
    for (CUevent event : {begin, end})
      if (event)
        driver->cuEventDestroy_v2(event);
    if (measuring == this)
      measuring = nullptr;
    *this = {};
  }
};
thread_local Measurement measurement;

/// What the loop does next. The state of the loop that a failed library needs is in `running`, which each run starts anew.
int64_t nextStep(Device &device, const Record &r, int64_t previous) {
  Measurement &m = measurement;
  std::lock_guard<std::mutex> guard(lock);
  bool failed = running.libraryFailed;
  running.libraryFailed = false;
  if (previous && m.step < 0) {
    if (failed) { // the way was chosen long ago: the library is another one now, or lacks memory
      noteFailure(keyOf(device, r));
      return CG_PRODUCT_GENERATED;
    }
    running.canRetry = false;
    return CG_PRODUCT_DONE;
  }
  if (!previous) {
    m.finish(); // what a program that was stopped left behind
    if (!openLibrary())
      return CG_PRODUCT_GENERATED;
    running.canRetry = true;
    if (!choicesRead)
      readChoices();
    if (auto found = choices.find(keyOf(device, r)); found != choices.end())
      return found->second;
    m.driver = device.driver;
    bool isFree = !measuring || Clock::now() - measuredLast > kStopped;
    bool canMeasure = isFree && running.stream == device.stream && device.driver->cuEventElapsedTime && device.driver->cuEventSynchronize && !device.driver->cuEventCreate(&m.begin, 0) &&
                      !device.driver->cuEventCreate(&m.end, 0);
    if (!canMeasure) { // while it is captured, for one
      m.finish();
      return CG_PRODUCT_GENERATED;
    }
    m.step = 0;
    m.launches = running.launches;
    measuring = &m;
  } else {
    int64_t way = m.step % 2;
    float time = 0;
    if (device.driver->cuEventRecord(m.end, running.stream) || device.driver->cuEventSynchronize(m.end) || device.driver->cuEventElapsedTime(&time, m.begin, m.end))
      failed = true;
    if (m.step >= 2)
      m.times[way] = m.step < 4 ? time : std::min(m.times[way], time);
    ++m.step;
  }
  measuredLast = Clock::now();
  if (m.step == Measurement::kSteps || failed) {
    int64_t way = !failed && m.times[1] < m.times[0] ? CG_PRODUCT_BY_LIBRARY : CG_PRODUCT_GENERATED;
    if (failed)
      noteFailure(keyOf(device, r));
    else
      keepChoice(keyOf(device, r), way, m.times);
    running.launches = m.launches; // the program's own are those of the last step
    m.finish();
    return way;
  }
  device.driver->cuEventRecord(m.begin, running.stream);
  return m.step % 2 ? CG_PRODUCT_BY_LIBRARY : CG_PRODUCT_GENERATED;
}

int64_t nextStepOf(const int64_t *record, int64_t previous) { return nextStep(cellgrad::gpu::here(), recordAt(record), previous); }
} // namespace

// Frames of this are jumped over by cg_fail: nothing in it may need a destructor.
void cg_gpu_product(const int64_t *record, const void *left, const void *right, const void *bias, void *workspace, void *result) {
  Device &device = cellgrad::gpu::here();
  if (!multiply(device, recordAt(record), left, right, bias, workspace, result))
    return;
  if (running.canRetry)
    running.libraryFailed = true;
  else
    stop(CG_FAILURE_PROGRAM);
}

int64_t cg_gpu_product_next(const int64_t *record, int64_t previous) { return nextStepOf(record, previous); }
