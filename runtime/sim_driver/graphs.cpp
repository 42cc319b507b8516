//===- graphs.cpp - capture and replay of a stream's work -----------------===//
#include "runtime/sim_driver/driver.h"

using namespace cellgrad::sim;

extern "C" {

CUresult cuStreamBeginCapture_v2(CUstream stream, int mode) {
  std::lock_guard<std::recursive_mutex> guard(driverLock());
  if (reinterpret_cast<uintptr_t>(stream) <= 2 || stream->capture)
    return refuse(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "this stream cannot be captured now");
  stream->capture = new CUgraph_st;
  return CUDA_SUCCESS;
}
CUresult cuStreamEndCapture(CUstream stream, CUgraph *graph) {
  std::lock_guard<std::recursive_mutex> guard(driverLock());
  if (!captureOf(stream))
    return refuse(CUDA_ERROR_INVALID_VALUE, "the stream is not captured");
  *graph = stream->capture;
  stream->capture = nullptr;
  return CUDA_SUCCESS;
}
CUresult cuStreamIsCapturing(CUstream stream, int *status) {
  std::lock_guard<std::recursive_mutex> guard(driverLock());
  *status = captureOf(stream) ? CU_STREAM_CAPTURE_STATUS_ACTIVE : CU_STREAM_CAPTURE_STATUS_NONE;
  return CUDA_SUCCESS;
}
CUresult cuGraphInstantiateWithFlags(CUgraphExec *exec, CUgraph graph, unsigned long long flags) {
  std::lock_guard<std::recursive_mutex> guard(driverLock());
  *exec = new CUgraphExec_st{graph->work};
  return CUDA_SUCCESS;
}
CUresult cuGraphLaunch(CUgraphExec exec, CUstream stream) {
  return inStream(stream, [exec] {
    for (const StreamWork &work : exec->work)
      if (CUresult bad = work())
        return bad;
    return CUresult(CUDA_SUCCESS);
  });
}
CUresult cuGraphDestroy(CUgraph graph) {
  delete graph;
  return CUDA_SUCCESS;
}
CUresult cuGraphExecDestroy(CUgraphExec exec) {
  delete exec;
  return CUDA_SUCCESS;
}
}
