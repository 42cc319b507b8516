//===- driver.h - a simulator's objects behind the driver's handles -------===//
#ifndef CELLGRAD_SIM_DRIVER_H
#define CELLGRAD_SIM_DRIVER_H

#include "runtime/sim_driver/engine.h"

#include <functional>
#include <mutex>
#include <string>
#include <vector>

/// Work of a stream. Streams do it at once, unless they are being captured: then it is noted for the graph.
using StreamWork = std::function<CUresult()>;

struct CUstream_st {
  CUgraph_st *capture = nullptr;
};
struct CUevent_st {
  double seconds = 0; // when it was recorded
};
struct CUgraph_st {
  std::vector<StreamWork> work;
};
struct CUgraphExec_st {
  std::vector<StreamWork> work;
};

namespace cellgrad::sim {

/// One for all: the driver may be called from any thread, kernels run one at a time.
std::recursive_mutex &driverLock();
/// Notes the text for cgDriverError and gives `code` back.
CUresult refuse(CUresult code, const std::string &text);
/// The graph that the stream is captured into, or null. Streams 1 and 2 are names of the driver, not objects.
inline CUgraph_st *captureOf(CUstream stream) { return reinterpret_cast<uintptr_t>(stream) > 2 ? stream->capture : nullptr; }
/// Does the work, or notes it where the stream is being captured.
CUresult inStream(CUstream stream, StreamWork work);

} // namespace cellgrad::sim

#endif // CELLGRAD_SIM_DRIVER_H
