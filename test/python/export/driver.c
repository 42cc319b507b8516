/* The simulator as a driver that counts what it is asked: CELLGRAD_CUDA_DRIVER names this library. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

int uploads, downloads, waits, replays, modules, records, edges, quiets;
void *waiting[64], *recorded[64]; /* streams, of edges and records in their order */

#define FORWARD(name, parameters, arguments, note)                                                                                      \
  int name parameters {                                                                                                                 \
    int(*next) parameters = (int(*) parameters)dlsym(RTLD_NEXT, #name);                                                                 \
    note;                                                                                                                               \
    return next arguments;                                                                                                              \
  }
typedef unsigned long long address;
FORWARD(cuMemcpyHtoDAsync_v2, (address to, const void *from, size_t bytes, void *stream), (to, from, bytes, stream), ++uploads)
FORWARD(cuMemcpyDtoHAsync_v2, (void *to, address from, size_t bytes, void *stream), (to, from, bytes, stream), ++downloads)
FORWARD(cuStreamSynchronize, (void *stream), (stream), ++waits)
FORWARD(cuCtxSynchronize, (void), (), ++quiets)
FORWARD(cuGraphLaunch, (void *graph, void *stream), (graph, stream), ++replays)
FORWARD(cuModuleLoadDataEx, (void **module, const void *image, unsigned count, int *options, void **values), (module, image, count, options, values), ++modules)
FORWARD(cuStreamWaitEvent, (void *stream, void *event, unsigned flags), (stream, event, flags), waiting[edges++ % 64] = stream)
FORWARD(cuEventRecord, (void *event, void *stream), (event, stream), recorded[records++ % 64] = stream)

/* A chip of another name, to bring real GPUs' files as far as the driver. */
const char *cgDriverChip(void) {
  const char *chip = getenv("COUNTING_DRIVER_CHIP");
  return chip ? chip : ((const char *(*)(void))dlsym(RTLD_NEXT, "cgDriverChip"))();
}
