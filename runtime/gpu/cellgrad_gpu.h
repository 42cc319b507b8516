/*===- cellgrad_gpu.h - programs on CUDA devices: libcellgrad_gpu.so -------===*/
#ifndef CELLGRAD_GPU_H
#define CELLGRAD_GPU_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/*===----------------------------------------------------------------------===*/
/* What compiled host code calls, on the thread that runs the program. A failure ends the program through cg_fail, so these return   */
/* only when all is well. "device" pointers are addresses in the memory of this thread's device.                                      */
/*===----------------------------------------------------------------------===*/

/* The device code of a program: one writable global of this type, named cg_gpu_program, in each object. */
typedef struct {
  const void *image; /* PTX text with its closing zero, a cubin, or what the simulator takes */
  int64_t image_bytes;
  const char *const *kernels;   /* the functions' names in the image */
  const char *const *positions; /* for each kernel "file:line" of the user's code, for messages; null where there are none */
  int64_t kernel_count;
  void *state;        /* null at first; belongs to the runtime */
  const char *format; /* "ptx", "cubin" or "x86_64-elf", for messages */
} cg_gpu_program;

/* Starts a kernel: grid x, y, z and block x, y, z; args[i] is the address of the i-th argument. Nothing is launched for an empty grid. */
void cg_gpu_launch(cg_gpu_program *program, int64_t kernel, const int32_t grid_and_block[6], void **args);
/* Device to device, in the order of the launches; the ranges do not overlap. */
void cg_gpu_copy(void *to, const void *from, int64_t bytes);
/* Device to host: waits for what was started before. */
void cg_gpu_read(void *host, const void *device, int64_t bytes);
/* The device's copy of constant data, made once per program and device. */
void *cg_gpu_constant(cg_gpu_program *program, const void *host, int64_t bytes);
/* A tape whose items are in device memory; cg_tape_push, cg_tape_pop and cg_tape_free take it as they take one of the host. */
int64_t cg_gpu_tape_create(int64_t stride);
/* cg_print of tensors in device memory. */
void cg_gpu_print(const char *format, int64_t count, void *const *data, const int64_t *meta);

/*===----------------------------------------------------------------------===*/
/* What loaders and Python call. Functions that return int give 0, or not 0 with the reason in cg_gpu_error().                        */
/*===----------------------------------------------------------------------===*/

/* The reason of this thread's last failure. */
const char *cg_gpu_error(void);
/* CG_GPU_OUT_OF_MEMORY is told apart; other reasons are one. */
enum { CG_GPU_OK, CG_GPU_FAILED, CG_GPU_OUT_OF_MEMORY };

/* Loads the driver: the library CELLGRAD_CUDA_DRIVER, or libcuda.so.1; "sim" is libcellgrad_gpu_sim.so beside this library. Done by all others
 * at need; more than once is harmless. */
int cg_gpu_open(void);
int cg_gpu_device_count(int *count);
typedef struct {
  char name[128];
  char chip[16]; /* what to compile for: "sm_90", "sim" */
  int64_t memory_bytes;
  int32_t processors, driver_version;
} cg_gpu_device;
int cg_gpu_describe(int device, cg_gpu_device *out);

/* Memory in the order of the device's stream: what is freed is given out again at once, to work that runs later. */
int cg_gpu_allocate(int device, int64_t bytes, void **out);
void cg_gpu_release(int device, void *memory);
typedef struct {
  int64_t used_bytes, cached_bytes, peak_bytes, limit_bytes; /* limit 0: the device's memory */
} cg_gpu_memory;
int cg_gpu_memory_stats(int device, cg_gpu_memory *out);
int cg_gpu_empty_cache(int device);
int cg_gpu_set_memory_limit(int device, int64_t bytes);

/* Copies in the order of the stream. upload and move return when `from` may change (upload) or at once (move), download when the data is there. */
int cg_gpu_upload(int device, void *to, const void *from, int64_t bytes);
int cg_gpu_download(int device, void *to, const void *from, int64_t bytes);
int cg_gpu_move(int device, void *to, const void *from, int64_t bytes);
int cg_gpu_clear(int device, void *memory, int64_t bytes);
int cg_gpu_synchronize(int device);
/* The device's stream, and edges to another one: `stream` waits for what was started here, or the other way round. */
int cg_gpu_stream(int device, void **stream);
int cg_gpu_let_wait(int device, void *stream);

/* Runs a program's cg_entry on a device. `calls` belongs to one program; it may be null, otherwise a program that was called with the same pointers
 * before, and that never reads back, is captured as a CUDA graph and replayed. What stopped the program is told by its cg_failure, as on the CPU. */
typedef struct cg_gpu_calls cg_gpu_calls;
cg_gpu_calls *cg_gpu_calls_create(void);
void cg_gpu_calls_destroy(cg_gpu_calls *calls);
typedef struct {
  int64_t launches, captures, replays;
} cg_gpu_call_stats;
void cg_gpu_calls_stats(const cg_gpu_calls *calls, cg_gpu_call_stats *out);
int cg_gpu_run(int device, cg_gpu_calls *calls, void (*entry)(void **args, void *arena), void **args, int64_t count, int64_t arena_bytes);
/* Takes a program's device code and constants from all devices; called before its object is unloaded. */
void cg_gpu_unload(cg_gpu_program *program);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif /* CELLGRAD_GPU_H */
