//===- profile.cpp - what launches cost, as JSON and as a trace --------------===//
#include "runtime/ascend_sim/machine.h"
#include "runtime/sim_driver/driver.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace cellgrad::ascend {

namespace {
struct Profile {
  bool on = settings().cycles;
  std::string launches, trace, json;
  double begin = 0; // microseconds of the next launch
  size_t events = 0;
  int64_t kept = 0, left = 0; // launches
};
constexpr int64_t kMostLaunches = 100000;
constexpr size_t kMostEvents = 1000000;
constexpr const char *kCores[] = {"aic", "aiv", "aicpu"};

void writeAtEnd();
Profile &profile() {
  static auto *only = [] {
    auto *made = new Profile;
    if (!settings().trace.empty())
      atexit(writeAtEnd);
    return made;
  }();
  return *only;
}

std::string quoted(const std::string &text) {
  std::string result = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\')
      result += '\\';
    if (static_cast<unsigned char>(c) >= 32)
      result += c;
  }
  return result + "\"";
}
std::string number(double value) {
  char text[40];
  snprintf(text, sizeof text, "%.3f", value);
  return text;
}

int writeTrace(const char *path) {
  FILE *file = fopen(path, "w");
  if (!file)
    return 1;
  const std::string &events = profile().trace;
  bool good = fputs("{\"displayTimeUnit\": \"ns\", \"traceEvents\": [\n", file) >= 0;
  good &= fwrite(events.data(), 1, events.size(), file) == events.size();
  good &= fputs("\n]}\n", file) >= 0;
  return fclose(file) || !good;
}
void writeAtEnd() {
  if (writeTrace(settings().trace.c_str()))
    fprintf(stderr, "cellgrad: the trace cannot be written to '%s'\n", settings().trace.c_str());
}
} // namespace

bool profiling() { return profile().on; }
bool tracing() { return profile().on && profile().events < kMostEvents; }

void record(const LaunchTimes &times, const Target &target, const std::vector<CycleModel::CoreSpans> &spans) {
  Profile &p = profile();
  if (p.kept == kMostLaunches) { // a long training is not kept whole
    ++p.left;
    return;
  }
  ++p.kept;
  double perCycle = 1.0 / double(target.clock_mhz);
  std::string &out = p.launches;
  out += (out.empty() ? "" : ",\n  ") + std::string("{\"kernel\": ") + quoted(times.kernel) + ", \"core\": \"" + kCores[times.core] + "\", \"blocks\": " +
         std::to_string(times.blocks) + ", \"cores\": " + std::to_string(times.cores);
  int bound = int(std::max_element(times.busy, times.busy + CG_ASCEND_PIPES) - times.busy);
  out += ", \"cycles\": " + std::to_string(times.cycles) + ", \"microseconds\": " + number(double(times.cycles) * perCycle) + ", \"bound\": \"" + pipeName(bound) + "\", \"pipes\": {";
  bool first = true;
  for (int pipe = 0; pipe < CG_ASCEND_PIPES; ++pipe)
    if (times.busy[pipe])
      out += std::string(first ? "" : ", ") + "\"" + pipeName(pipe) + "\": " + std::to_string(times.busy[pipe]), first = false;
  out += "}, \"bytes\": {";
  first = true;
  for (int path = 0; path < kPaths; ++path)
    if (times.bytes[path])
      out += std::string(first ? "" : ", ") + "\"" + pathName(path) + "\": " + std::to_string(times.bytes[path]), first = false;
  out += "}}";
  for (const CycleModel::CoreSpans &core : spans)
    for (int pipe = 0; pipe < CG_ASCEND_PIPES; ++pipe) {
      int64_t process = core.core * CG_ASCEND_CORES + times.core;
      for (const Span &span : core.spans[pipe]) {
        if (p.events++ >= kMostEvents)
          break;
        p.trace += (p.trace.empty() ? "" : ",\n") + std::string("{\"ph\": \"X\", \"name\": ") + quoted(span.op->place ? span.op->place : "") + ", \"cat\": " + quoted(times.kernel) +
                   ", \"pid\": \"" + kCores[times.core] + " " + std::to_string(process / CG_ASCEND_CORES) + "\", \"tid\": \"" + pipeName(pipe) + "\", \"ts\": " +
                   number(p.begin + double(span.start) * perCycle) + ", \"dur\": " + number(double(span.end - span.start) * perCycle) + "}";
      }
    }
  p.begin += double(times.cycles) * perCycle;
}

} // namespace cellgrad::ascend

using namespace cellgrad::ascend;
using cellgrad::sim::driverLock;

#pragma GCC visibility push(default)
extern "C" {
/* From now on launches are timed by the cycle model and collected; what was collected before is dropped. */
void cgAscendProfileStart(void) {
  std::lock_guard<std::recursive_mutex> guard(driverLock());
  Profile &p = profile();
  p.on = true, p.begin = 0, p.events = 0, p.kept = p.left = 0;
  p.launches.clear(), p.trace.clear();
}
void cgAscendProfileStop(void) {
  std::lock_guard<std::recursive_mutex> guard(driverLock());
  profile().on = settings().cycles;
}
/* {"launches": [...], "left_out": n}: the first launches and how many came after them; valid until the next call. */
const char *cgAscendProfileJson(void) {
  std::lock_guard<std::recursive_mutex> guard(driverLock());
  Profile &p = profile();
  p.json = "{\"launches\": [\n  " + p.launches + "\n], \"left_out\": " + std::to_string(p.left) + "}\n";
  return p.json.c_str();
}
/* The launches as a Chrome trace; not 0 if the file cannot be written. */
int cgAscendTraceWrite(const char *path) {
  std::lock_guard<std::recursive_mutex> guard(driverLock());
  return writeTrace(path);
}
}
#pragma GCC visibility pop
