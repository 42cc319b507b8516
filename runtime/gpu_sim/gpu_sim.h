/*===- gpu_sim.h - what kernels compiled for the GPU simulator share with it -===*/
/* The image of a program is a relocatable object with, per kernel, a function `void <name>(void **args, cg_sim_thread *thread)` that does the
 * work of one thread (args[i] is the address of argument i, as for cuLaunchKernel), and a constant `cg_sim.<name>` of type cg_sim_kernel. */
#ifndef CELLGRAD_GPU_SIM_H
#define CELLGRAD_GPU_SIM_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* passes/GpuToLLVM/GpuToSim.cpp knows the offsets. */
typedef struct cg_sim_thread {
  int32_t thread[3], block[3], block_dim[3], grid_dim[3];
  int32_t lane, warp;
  char *shared; /* the block's shared memory, 1024-byte aligned: static, then from the next multiple of 1024 on dynamic */
} cg_sim_thread;

typedef struct {
  int32_t version;     /* CG_SIM_VERSION */
  int32_t cooperative; /* its threads wait for each other: CG_SIM_WAITS, CG_SIM_ASYNCHRONOUS with mbarriers or products of warpgroups */
  int32_t block[3];    /* the block size that it was compiled for; 0: any */
  int32_t count;       /* arguments */
  int64_t shared_bytes; /* static */
  const int32_t *argument_bytes;
  const int32_t *argument_alignments; /* of the memory that it points to; 0: the argument is a number */
} cg_sim_kernel;
enum { CG_SIM_VERSION = 3 };
enum { CG_SIM_WAITS = 1, CG_SIM_ASYNCHRONOUS = 2 };

/* `place` is text for messages: the user's line and the operation; null in kernels that are not checked. `op` tells the operations of a kernel apart. */
void cg_sim_barrier(cg_sim_thread *thread, int32_t op, const char *place);
enum { CG_SIM_XOR, CG_SIM_UP, CG_SIM_DOWN, CG_SIM_IDX };
typedef struct {
  int64_t bits, valid;
} cg_sim_shuffled;
cg_sim_shuffled cg_sim_shuffle(cg_sim_thread *thread, int32_t op, const char *place, int64_t bits, int32_t offset, int32_t width, int32_t mode);
/* d = a * b + c on the fragments of PTX's mma.sync: m x k times k x n. */
enum { CG_SIM_F16, CG_SIM_BF16, CG_SIM_TF32, CG_SIM_F32, CG_SIM_F64, CG_SIM_I8, CG_SIM_I32 };
void cg_sim_mma(cg_sim_thread *thread, int32_t op, const char *place, int32_t m, int32_t n, int32_t k, int32_t type, int32_t sum_type, const void *a, const void *b,
                const void *c, void *d);
/* 8 x 8 tiles of 2-byte elements; lane i gives the address of row i % 8 of tile i / 8. */
void cg_sim_ldmatrix(cg_sim_thread *thread, int32_t op, const char *place, const void *row, int32_t tiles, int32_t transpose, void *out);
/* The copy happens when it is waited for; `read` bytes come from `from`, the rest of `bytes` become zero. */
void cg_sim_async_copy(cg_sim_thread *thread, const char *place, void *to, const void *from, int32_t bytes, int32_t read);
void cg_sim_async_commit(cg_sim_thread *thread);
void cg_sim_async_wait(cg_sim_thread *thread, int32_t groups_left);
/* mbarriers: number `index` of the `count` that lie at `group` in shared memory. arrive with expected >= 0 announces so many bytes first; the result is the
 * phase. What is not `active` is not done. wait returns when the phase with this parity has completed. */
void cg_sim_mbarrier_init(cg_sim_thread *thread, const char *place, void *group, int64_t index, int64_t count, int64_t arrivals, int32_t active);
int64_t cg_sim_mbarrier_arrive(cg_sim_thread *thread, const char *place, void *group, int64_t index, int64_t count, int64_t expected, int32_t active);
void cg_sim_mbarrier_wait(cg_sim_thread *thread, const char *place, void *group, int64_t index, int64_t count, int32_t parity);
/* fence.proxy.async and fence.mbarrier_init: what this thread wrote, or the mbarriers it made, are seen by asynchronous work. */
void cg_sim_fence(cg_sim_thread *thread, int32_t stores);
/* The tile at `coordinates` (innermost first) of a tensor map comes to `to`, a buffer of `bytes`, and completes as many bytes of the mbarrier. */
void cg_sim_bulk_copy(cg_sim_thread *thread, const char *place, const void *map, void *group, int64_t index, int64_t count, void *to, int64_t bytes, int32_t rank,
                      const int64_t *coordinates, int32_t active);
/* Addresses in shared memory begin with this one; what wgmma's descriptors hold. */
enum { CG_SIM_SHARED_BASE = 1024 };
/* wgmma.mma_async m64 n k16: n / 2 sums of each thread from `in` to `out`. */
enum { CG_SIM_TRANSPOSE_A = 1, CG_SIM_TRANSPOSE_B = 2, CG_SIM_ADDS = 4, CG_SIM_NEGATE = 8 };
void cg_sim_wgmma(cg_sim_thread *thread, int32_t op, const char *place, int64_t a, int64_t b, int32_t n, int32_t type, int32_t flags, const float *in, float *out);
void cg_sim_wgmma_fence(cg_sim_thread *thread);
void cg_sim_wgmma_commit(cg_sim_thread *thread);
void cg_sim_wgmma_wait(cg_sim_thread *thread, int32_t groups_left);
/* These registers, `count` sums that a wgmma may have left, are about to be used by something else. */
void cg_sim_wgmma_use(cg_sim_thread *thread, const char *place, const float *sums, int32_t count);
/* Checked kernels say what they are about to touch. */
enum { CG_SIM_LOAD, CG_SIM_STORE, CG_SIM_ATOMIC };
void cg_sim_access(cg_sim_thread *thread, const char *place, const void *address, int32_t bytes, int32_t alignment, int32_t kind, int32_t inside);

#ifdef __cplusplus
}
#endif

#endif /* CELLGRAD_GPU_SIM_H */
