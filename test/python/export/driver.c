/* The simulator as a driver that counts what it is asked: CELLGRAD_CUDA_DRIVER names this library. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

int uploads, downloads, waits, replays, modules, records, edges, quiets;
int fail_download, fail_attribute, fail_load, pageable; /* what these answer instead; 0: what the simulator does */
void *waiting[64], *recorded[64]; /* streams, of edges and records in their order */

#define FORWARD(name, parameters, arguments, note) FAILING(name, parameters, arguments, note, 0)
#define FAILING(name, parameters, arguments, note, error)                                                                               \
  int name parameters {                                                                                                                 \
    int(*next) parameters = (int(*) parameters)dlsym(RTLD_NEXT, #name);                                                                 \
    note;                                                                                                                               \
    return error ? error : next arguments;                                                                                              \
  }
typedef unsigned long long address;
FORWARD(cuMemcpyHtoDAsync_v2, (address to, const void *from, size_t bytes, void *stream), (to, from, bytes, stream), ++uploads)
FAILING(cuMemcpyDtoHAsync_v2, (void *to, address from, size_t bytes, void *stream), (to, from, bytes, stream), ++downloads, fail_download)
FAILING(cuPointerGetAttribute, (void *value, int attribute, address at), (value, attribute, at), (void)0, fail_attribute)
FORWARD(cuStreamSynchronize, (void *stream), (stream), ++waits)
FORWARD(cuCtxSynchronize, (void), (), ++quiets)
FORWARD(cuGraphLaunch, (void *graph, void *stream), (graph, stream), ++replays)
FAILING(cuModuleLoadDataEx, (void **module, const void *image, unsigned count, int *options, void **values), (module, image, count, options, values), ++modules, fail_load)
FORWARD(cuStreamWaitEvent, (void *stream, void *event, unsigned flags), (stream, event, flags), waiting[edges++ % 64] = stream)
FORWARD(cuEventRecord, (void *event, void *stream), (event, stream), recorded[records++ % 64] = stream)

int cuDeviceGetAttribute(int *value, int attribute, int device) {
  if (attribute == 88 /* PAGEABLE_MEMORY_ACCESS */ && pageable)
    return *value = 1, 0;
  return ((int (*)(int *, int, int))dlsym(RTLD_NEXT, "cuDeviceGetAttribute"))(value, attribute, device);
}

/* A chip of another name, to bring real GPUs' files as far as the driver. */
const char *cgDriverChip(void) {
  const char *chip = getenv("COUNTING_DRIVER_CHIP");
  return chip ? chip : ((const char *(*)(void))dlsym(RTLD_NEXT, "cgDriverChip"))();
}
