/*===- cellgrad_gpu.h - programs on CUDA devices: libcellgrad_gpu.so -------===*/
#ifndef CELLGRAD_RUNTIME_GPU_CELLGRAD_GPU_H
#define CELLGRAD_RUNTIME_GPU_CELLGRAD_GPU_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/*===----------------------------------------------------------------------===*/
/* What the host code of a GPU program calls.                                  */
/*===----------------------------------------------------------------------===*/

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
  const char *const *positions; /* for each "file:line" of the user's code, for messages; null in programs without line information */
  int64_t kernel_count;
  int64_t fixed;              /* 1: every run launches the same kernels with the same grids, and reads nothing back: the run can be captured and replayed */
  void *state;                /* belongs to the runtime; null in a fresh object */
} cg_gpu_program;

/* Puts a kernel on this thread's stream. shape: blocks in x, y, z, threads in x, y, z, all at least 1, and the bytes of dynamic shared memory (0: none).
 * args: one pointer to the value of each argument (a device pointer, a scalar: index is an int64_t, bool one byte; or a tensor map); the values are copied
 * before the call returns. */
void cg_gpu_launch(cg_gpu_program *program, int64_t kernel, const int32_t shape[7], void **args);

/* Writes the tensor map of a buffer, CG_GPU_TENSOR_MAP_BYTES at an address that is a multiple of 64: what bulk copies of boxes of a tensor to shared memory
 * read as a kernel's argument. record: the type of the elements (CG_PRODUCT_F16, CG_PRODUCT_BF16), the rank, then sizes, strides and the box, in elements and
 * outermost first; the innermost stride is 1, the box innermost 128 bytes. Chunks of 16 bytes are permuted in 128 bytes, and what is outside the tensor reads
 * as zeros. */
enum { CG_GPU_TENSOR_MAP_BYTES = 128 };
void cg_gpu_tensor_map(const int64_t *record, const void *address, void *map);

/* Copies device memory in stream order. bytes may be 0, and `to` may be `from`. */
void cg_gpu_copy(void *to, const void *from, int64_t bytes);

/* Copies device memory to the host, after all that this thread put on its stream. */
void cg_gpu_read(void *host, const void *device, int64_t bytes);

/* The device's copy of a constant of the object, made at the first call and kept as long as the program is loaded. */
const void *cg_gpu_constant(cg_gpu_program *program, const void *host, int64_t bytes);

/*
 * Products by a library: matrix products by cuBLASLt, convolutions by cuDNN. A record of CG_PRODUCT_FIELDS numbers says what is computed; those from
 * CG_PRODUCT_SIZES on mean for a matrix product
 *   result[b] (m x n, rows result_ld apart) = epilogue(left[b] (m x k) * right[b] (k x n) [+ the old result])
 * where a factor's rows lie ld apart, or its columns where it is transposed, and batches `step` elements apart. For convolutions they are CG_CONV_N to
 * CG_CONV_GROUPS (runtime/cpu/cellgrad_cpu.h) of contiguous tensors: left and right are x and w (result y), dy and w (result dx), or x and dy (result dw).
 */
enum {
  CG_PRODUCT_KIND,
  CG_PRODUCT_FACTOR_TYPE, CG_PRODUCT_RESULT_TYPE, /* of result and bias */
  CG_PRODUCT_TF32,                                /* factors of f32 may be rounded to tf32 */
  CG_PRODUCT_EPILOGUE, CG_PRODUCT_ADDS, CG_PRODUCT_WORKSPACE, CG_PRODUCT_ALIGNMENT, /* in bytes, of all memory */
  CG_PRODUCT_KEEPS_NAN, /* NaN and infinities reach the results that their factors belong to, and no others */
  /* Not for the library, but where ways are compared: whether a kernel follows the call, and the bits of an element that is stored in the end. */
  CG_PRODUCT_FOLLOWED, CG_PRODUCT_STORED_BITS,
  CG_PRODUCT_SIZES,
  CG_PRODUCT_M = CG_PRODUCT_SIZES, CG_PRODUCT_N, CG_PRODUCT_K, CG_PRODUCT_BATCH,
  CG_PRODUCT_LEFT_TRANSPOSED, CG_PRODUCT_LEFT_LD, CG_PRODUCT_LEFT_STEP,
  CG_PRODUCT_RIGHT_TRANSPOSED, CG_PRODUCT_RIGHT_LD, CG_PRODUCT_RIGHT_STEP,
  CG_PRODUCT_RESULT_LD, CG_PRODUCT_RESULT_STEP,
  CG_PRODUCT_FIELDS = CG_PRODUCT_SIZES + 18
};
enum { CG_PRODUCT_MATRICES, CG_PRODUCT_CONV, CG_PRODUCT_CONV_DX, CG_PRODUCT_CONV_DW }; /* kinds */
enum { CG_PRODUCT_F16, CG_PRODUCT_BF16, CG_PRODUCT_F32, CG_PRODUCT_F64 };
/* Bias: one number per column (channel), added first; gelu in the form with tanh, of matrix products only. */
enum { CG_PRODUCT_PLAIN, CG_PRODUCT_BIAS, CG_PRODUCT_RELU, CG_PRODUCT_RELU_BIAS, CG_PRODUCT_GELU, CG_PRODUCT_GELU_BIAS };
enum { CG_PRODUCT_DONE, CG_PRODUCT_GENERATED, CG_PRODUCT_BY_LIBRARY };

/* Computes a product by the library on this thread's stream; bias may be null, workspace has the record's bytes. Ends the program where the library is missing
 * or refuses, except in a loop of cg_gpu_product_next, which goes on with kernels. */
void cg_gpu_product(const int64_t *record, const void *left, const void *right, const void *bias, void *workspace, void *result);

/* Which way to compute a product now: the first call of a series gets CG_PRODUCT_DONE as `previous`, each later one what the one before gave. Gives the way
 * that is known to be faster and then CG_PRODUCT_DONE; where none is known for this product, chip and library, both ways in turn, measured, and the faster one last. */
int64_t cg_gpu_product_next(const int64_t *record, int64_t previous);

/* cg_tape_create and cg_print (runtime/cpu/cellgrad_cpu.h) for values in device memory: chunks of the tape are device memory, its book-keeping is the host's;
 * what is printed is read back first. The other functions of tapes are those of the CPU. */
int64_t cg_gpu_tape_create(int64_t stride);
void cg_gpu_print(const char *format, int64_t count, void *const *data, const int64_t *meta);

/*===----------------------------------------------------------------------===*/
/* What loaders and Python call. Functions that return int give 0, or not 0 with the reason in cg_gpu_error(). */
/*===----------------------------------------------------------------------===*/

/* The reason of this thread's last failure. */
const char *cg_gpu_error(void);
/* Told apart: no memory, and an address or a stream that cannot be used so, of which nothing was. Other reasons are one. */
enum { CG_GPU_OK, CG_GPU_FAILED, CG_GPU_OUT_OF_MEMORY, CG_GPU_ARGUMENT };

/* Kinds of devices, by the number of the first: what has the CUDA driver's functions can be one. A device's number tells its kind. */
enum { CG_GPU_CUDA = 0, CG_GPU_ASCEND = 64 };

/* Loads the driver of a kind. CUDA: the library CELLGRAD_CUDA_DRIVER, or libcuda.so.1; "sim" is libcellgrad_gpu_sim.so beside this library. Ascend:
 * libcellgrad_ascend_sim.so beside this library. Done by all others at need; more than once is harmless. */
int cg_gpu_open(int kind);
int cg_gpu_device_count(int kind, int *count);
typedef struct {
  char name[128];
  char chip[16]; /* what to compile for: "sm_80", "sm_90a", "sim" */
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

/* CG_GPU_ARGUMENT for what is not memory of this device: the host's, another device's, or nothing. Its first and its last byte are looked at. */
int cg_gpu_check_memory(int device, const void *memory, int64_t bytes);

/* Copies in the order of the stream. upload and move return when `from` may change (upload) or at once (move), download when the data is there. After the
 * start_ forms the host's memory stays as it is until cg_gpu_synchronize, so that several copies share one wait. */
int cg_gpu_upload(int device, void *to, const void *from, int64_t bytes);
int cg_gpu_download(int device, void *to, const void *from, int64_t bytes);
int cg_gpu_start_upload(int device, void *to, const void *from, int64_t bytes);
int cg_gpu_start_download(int device, void *to, const void *from, int64_t bytes);
int cg_gpu_move(int device, void *to, const void *from, int64_t bytes);
int cg_gpu_clear(int device, void *memory, int64_t bytes);
int cg_gpu_synchronize(int device);
/* Waits for the streams of other libraries in the process as well. */
int cg_gpu_quiesce(int device);
/* The device's stream, and edges to another one: let_wait lets `stream` wait for what was started on the device's, wait_for the other way round.
 * A stream is a CUstream of the driver, or 1 for CUDA's default one; CG_GPU_ARGUMENT for one that is being captured as a graph, as check_stream gives alone. */
int cg_gpu_stream(int device, void **stream);
int cg_gpu_check_stream(int device, void *stream);
int cg_gpu_let_wait(int device, void *stream);
int cg_gpu_wait_for(int device, void *stream);

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
/* Gives a program's device code to the driver now and finds its kernels, as the first launch would. */
int cg_gpu_load(int device, cg_gpu_program *program);
/* Takes a program's device code and constants from all devices; called before its object is unloaded. */
void cg_gpu_unload(cg_gpu_program *program);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif /* CELLGRAD_RUNTIME_GPU_CELLGRAD_GPU_H */
