/*===- cellgrad_gpu.h - what the host code of a GPU program calls ----------===*/
#ifndef CELLGRAD_RUNTIME_GPU_CELLGRAD_GPU_H
#define CELLGRAD_RUNTIME_GPU_CELLGRAD_GPU_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A GPU program is one object for the host: cg_entry(void **args, void *arena) as on the CPU, but the data pointers of `args` and `arena` are addresses of
 * device memory (the array `args` itself is the host's). Every pointer is aligned to 16 bytes. cg_entry always runs inside cg_run, so each of these
 * functions may end the program with cg_fail. What a call puts on the stream of its thread may still be running when cg_entry returns.
 */

/* The kernels of a program: the writable global `cg_gpu_program` of its object. */
typedef struct {
  const void *image;          /* the code; not null-terminated beyond what its format has (PTX ends in a zero byte that image_bytes counts) */
  int64_t image_bytes;        /* 0: the program has no kernels */
  const char *format;         /* "ptx", "cubin", "x86_64-elf" (an object of kernels for the simulator) */
  const char *chip;           /* what it was compiled for: "sm_90", "sim" */
  const char *const *kernels; /* their names, in the order of the numbers that cg_gpu_launch takes */
  int64_t kernel_count;
  int64_t fixed;              /* 1: every run launches the same kernels with the same grids, and reads nothing back: the run can be captured and replayed */
  void *state;                /* belongs to the runtime; null in a fresh object */
} cg_gpu_program;

/* Puts a kernel on this thread's stream. grid_and_block: blocks in x, y, z, threads in x, y, z, all at least 1. args: one pointer to the value of each
 * argument (a device pointer, or a scalar: index is an int64_t, bool one byte); the values are copied before the call returns. */
void cg_gpu_launch(cg_gpu_program *program, int64_t kernel, const int32_t grid_and_block[6], void **args);

/* Copies device memory in stream order. bytes may be 0, and `to` may be `from`. */
void cg_gpu_copy(void *to, const void *from, int64_t bytes);

/* Copies device memory to the host, after all that this thread put on its stream. */
void cg_gpu_read(void *host, const void *device, int64_t bytes);

/* The device's copy of a constant of the object, made at the first call and kept as long as the program is loaded. */
const void *cg_gpu_constant(cg_gpu_program *program, const void *host, int64_t bytes);

/* cg_tape_create and cg_print (runtime/cpu/cellgrad_cpu.h) for values in device memory: chunks of the tape are device memory, its book-keeping is the host's;
 * what is printed is read back first. The other functions of tapes are those of the CPU. */
int64_t cg_gpu_tape_create(int64_t stride);
void cg_gpu_print(const char *format, int64_t count, void *const *data, const int64_t *meta);

#ifdef __cplusplus
}
#endif

#endif /* CELLGRAD_RUNTIME_GPU_CELLGRAD_GPU_H */
