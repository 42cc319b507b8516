//===- libraries.cpp - products by libraries, and when they are faster -----===//
#include "runtime/gpu/libraries.h"
#include "runtime/cpu/cellgrad_cpu.h"

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>

using namespace cellgrad::gpu;

std::mutex cellgrad::gpu::libraryLock; // of the libraries, their descriptors, and all below

bool ProductLibrary::open() {
  if (state != Untried)
    return state == Loaded;
  state = Missing;
  const char *chosen = getenv(variable()), *driverName = getenv("CELLGRAD_CUDA_DRIVER");
  std::vector<std::string> names;
  if (chosen && *chosen)
    names = {chosen};
  else if (driverName && !strcmp(driverName, "sim")) // the simulator is its own
    names = {beside("libcellgrad_gpu_sim.so")};
  else
    names = fileNames();
  void *handle = nullptr;
  for (size_t i = 0; !handle && i < names.size(); ++i)
    if (!(handle = dlopen(names[i].c_str(), RTLD_NOW | RTLD_LOCAL))) {
      const char *why = dlerror();
      whyMissing = why ? why : names[i] + " cannot be loaded";
    }
  if (!handle)
    return false;
  if (const char *missing = lookUp(handle)) {
    whyMissing = std::string("it has no function ") + missing;
    return false;
  }
  state = Loaded;
  return true;
}

int ProductLibrary::compute(Device &device, const Record &record, const Operands &operands) {
  if (!open())
    return fail("%s are to be computed by %s, which is not there (%s): pip install 'cellgrad[cuda]', or choose products=\"generated\"", what(), name, whyMissing.c_str());
  if (run(device, record, operands))
    return CG_GPU_FAILED;
  ++running.launches;
  running.lastKernel = started();
  if (running.stream == device.stream)
    device.note(running.lastKernel);
  return CG_GPU_OK;
}

namespace {
Record recordAt(const int64_t *numbers) {
  Record record;
  memcpy(record.data(), numbers, sizeof record);
  return record;
}

/// Not 0: the reason is set.
int compute(Device &device, const int64_t *record, const Operands &operands) {
  std::lock_guard<std::mutex> guard(libraryLock);
  Record r = recordAt(record);
  return libraryOf(r).compute(device, r, operands);
}

//===----------------------------------------------------------------------===//
// Which way is faster
//===----------------------------------------------------------------------===//

/// Raised when generated kernels change so much that measured choices are out of date.
constexpr int kRules = 3;
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
  const ProductLibrary &library = libraryOf(r);
  std::string key = std::to_string(kRules) + "|" + device.about.name + "|" + device.about.chip + "|driver " + std::to_string(device.about.driver_version) + "|" + library.name + " " + std::to_string(library.version) + "|";
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
  std::lock_guard<std::mutex> guard(libraryLock);
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
    if (!libraryOf(r).open())
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
  if (!compute(device, record, {left, right, bias, workspace, result}))
    return;
  if (running.canRetry)
    running.libraryFailed = true;
  else
    stop(CG_FAILURE_PROGRAM);
}

int64_t cg_gpu_product_next(const int64_t *record, int64_t previous) { return nextStepOf(record, previous); }
