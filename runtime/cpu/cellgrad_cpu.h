/*===- cellgrad_cpu.h - the C functions that compiled CPU code calls -------===*/
#ifndef CELLGRAD_CPU_H
#define CELLGRAD_CPU_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* Raised by one where code compiled before would no longer run right: part of every exported program. */
#define CG_RUNTIME_ABI 1

/* One setting for the parallel loops of compiled code and for matrix products; n < 1 means all processors. */
void cg_set_num_threads(int n);
int cg_get_num_threads(void);

/* Runs body(ctx, b, e) on pieces of [begin, end), each of at least `grain` iterations, on the threads of the runtime; on this thread
 * if there is one thread, one piece, or if the caller is itself a piece. */
void cg_parallel_for(void (*body)(void *ctx, int64_t begin, int64_t end), void *ctx, int64_t begin, int64_t end,
                     int64_t grain);

/* c[m, n] = alpha * op(a) op(b) + beta * c, row major; trans: 0 as stored, 1 transposed. beta = 0 does not read c. */
void cg_gemm_f32(int64_t transA, int64_t transB, int64_t m, int64_t n, int64_t k, float alpha, const float *a,
                 int64_t lda, const float *b, int64_t ldb, float beta, float *c, int64_t ldc);
void cg_gemm_f64(int64_t transA, int64_t transB, int64_t m, int64_t n, int64_t k, double alpha, const double *a,
                 int64_t lda, const double *b, int64_t ldb, double beta, double *c, int64_t ldc);

/* `batch` products whose operands lie strideA, strideB, strideC elements apart. */
void cg_gemm_batch_f32(int64_t batch, int64_t transA, int64_t transB, int64_t m, int64_t n, int64_t k, float alpha,
                       const float *a, int64_t lda, int64_t strideA, const float *b, int64_t ldb, int64_t strideB,
                       float beta, float *c, int64_t ldc, int64_t strideC);
void cg_gemm_batch_f64(int64_t batch, int64_t transA, int64_t transB, int64_t m, int64_t n, int64_t k, double alpha,
                       const double *a, int64_t lda, int64_t strideA, const double *b, int64_t ldb, int64_t strideB,
                       double beta, double *c, int64_t ldc, int64_t strideC);

/* Convolution parameters, in this order in the array p. CG_CONV_SLOTS is how many threads the scratch memory serves. */
enum {
  CG_CONV_N, CG_CONV_C, CG_CONV_H, CG_CONV_W, CG_CONV_O, CG_CONV_KH, CG_CONV_KW, CG_CONV_OH, CG_CONV_OW,
  CG_CONV_SH, CG_CONV_SW, CG_CONV_PT, CG_CONV_PB, CG_CONV_PL, CG_CONV_PR, CG_CONV_DH, CG_CONV_DW, CG_CONV_GROUPS,
  CG_CONV_SLOTS, CG_CONV_PARAMS
};

/* x [N, C, H, W], w [O, C / groups, KH, KW], y [N, O, OH, OW]. */
void cg_conv2d_f32(const int64_t *p, const float *x, const float *w, float *y, void *scratch);
void cg_conv2d_f64(const int64_t *p, const double *x, const double *w, double *y, void *scratch);
void cg_conv2d_dx_f32(const int64_t *p, const float *dy, const float *w, float *dx, void *scratch);
void cg_conv2d_dx_f64(const int64_t *p, const double *dy, const double *w, double *dx, void *scratch);
void cg_conv2d_dw_f32(const int64_t *p, const float *x, const float *dy, float *dw, void *scratch);
void cg_conv2d_dw_f64(const int64_t *p, const double *x, const double *dy, double *dw, void *scratch);

/* Elements of scratch memory (of the tensors' type) for each of the three. Per slot: a column matrix of a group of an image
 * [C / groups * KH * KW, OH * OW], or the padded image, the padded gradient and the weights of the direct method; the
 * weight gradient keeps CG_CONV_IMAGES of them and adds one gradient per slot. */
enum { CG_CONV_IMAGES = 8 };
static inline int64_t cg_conv2d_slot(const int64_t *p, int gradient_of_weight) {
  int64_t rows = p[CG_CONV_C] / p[CG_CONV_GROUPS] * p[CG_CONV_KH] * p[CG_CONV_KW], outs = p[CG_CONV_O] / p[CG_CONV_GROUPS];
  int64_t columns = rows * p[CG_CONV_OH] * p[CG_CONV_OW];
  int64_t image = p[CG_CONV_C] / p[CG_CONV_GROUPS] * (p[CG_CONV_H] + p[CG_CONV_PT] + p[CG_CONV_PB]) *
                  (p[CG_CONV_W] + p[CG_CONV_PL] + p[CG_CONV_PR] + 64);
  int64_t images = gradient_of_weight ? CG_CONV_IMAGES : 1;
  int64_t direct = images * (image + outs * p[CG_CONV_OH] * (p[CG_CONV_OW] + 16)) + outs * rows + 64;
  return ((columns > direct ? columns : direct) + 15) / 16 * 16;
}
static inline int64_t cg_conv2d_scratch(const int64_t *p, int gradient_of_weight) {
  int64_t rows = p[CG_CONV_C] / p[CG_CONV_GROUPS] * p[CG_CONV_KH] * p[CG_CONV_KW];
  int64_t weights = gradient_of_weight ? (p[CG_CONV_O] * rows + 15) / 16 * 16 : 0;
  return p[CG_CONV_SLOTS] * (cg_conv2d_slot(p, gradient_of_weight) + weights);
}

/* Pooling parameters, in this order in the array p. Maximum: dilations DH, DW. Average: COUNT_PAD in the place of DH. */
enum {
  CG_POOL_N, CG_POOL_C, CG_POOL_H, CG_POOL_W, CG_POOL_OH, CG_POOL_OW, CG_POOL_KH, CG_POOL_KW, CG_POOL_SH, CG_POOL_SW,
  CG_POOL_PT, CG_POOL_PB, CG_POOL_PL, CG_POOL_PR, CG_POOL_DH, CG_POOL_DW, CG_POOL_PARAMS,
  CG_POOL_COUNT_PAD = CG_POOL_DH
};
void cg_maxpool2d_f32(const int64_t *p, const float *x, float *y);
void cg_maxpool2d_f64(const int64_t *p, const double *x, double *y);
void cg_maxpool2d_dx_f32(const int64_t *p, const float *x, const float *dy, float *dx);
void cg_maxpool2d_dx_f64(const int64_t *p, const double *x, const double *dy, double *dx);
void cg_avgpool2d_f32(const int64_t *p, const float *x, float *y);
void cg_avgpool2d_f64(const int64_t *p, const double *x, double *y);
void cg_avgpool2d_dx_f32(const int64_t *p, const float *dy, float *dx);
void cg_avgpool2d_dx_f64(const int64_t *p, const double *dy, double *dx);

/* acc[index[i], :] += update[i, :] for i in order; p = {n, elements of a row, rows of acc, bytes of an index}. */
void cg_scatter_add_f32(const int64_t *p, const void *index, const float *update, float *acc);
void cg_scatter_add_f64(const int64_t *p, const void *index, const double *update, double *acc);
void cg_scatter_add_i32(const int64_t *p, const void *index, const int32_t *update, int32_t *acc);
void cg_scatter_add_i64(const int64_t *p, const void *index, const int64_t *update, int64_t *acc);

/* Programs that print, assert or save values on tapes run inside cg_run, which calls body(args, arena), gives back the tapes' memory and is
 * where a failed program returns to. */
void cg_run(void (*body)(void **args, void *arena), void **args, void *arena);

/* What stopped the last program of this thread. */
enum {
  CG_FAILURE_NONE,
  CG_FAILURE_ASSERTION, /* a condition did not hold */
  CG_FAILURE_MEMORY,    /* no memory for saved values */
  CG_FAILURE_PROGRAM,   /* the program itself is wrong: a pop of an empty tape */
  CG_FAILURE_HANDLER    /* the print handler gave up and knows why */
};
/* Takes the failure, so that it is reported once; `text` is valid as long as the program is loaded. */
int cg_take_failure(const char **text);
/* Whether there is one that was not taken. */
int cg_has_failed(void);
/* Ends the running program. */
void cg_fail(int kind, const char *text);

/* Tapes: stacks of items of `stride` bytes each that belong to the running program of this thread. The address of an item holds until the
 * item is popped and another one is pushed. The three pointers at the start of a tape are known to compiled code. */
struct cg_tape_head {
  char *top, *begin, *end; /* of the current chunk: items lie in [begin, top); top == end: the chunk is full */
};
int64_t cg_tape_create(int64_t stride);
/* Where the items of a tape lie, if not in host memory. No memory: null. A chunk is released on the thread that allocated it. */
typedef struct {
  void *(*allocate)(int64_t bytes);
  void (*release)(void *memory);
} cg_tape_memory;
int64_t cg_tape_create_in(int64_t stride, const cg_tape_memory *memory);
void *cg_tape_push(int64_t tape);
void *cg_tape_pop(int64_t tape);
void cg_tape_free(int64_t tape);

/* Element types in descriptions of tensors. */
enum { CG_BOOL, CG_I8, CG_I16, CG_I32, CG_I64, CG_U8, CG_F16, CG_BF16, CG_F32, CG_F64 };
/* Shows tensors: the i-th `{}` of `format` stands for the i-th tensor, `{{` and `}}` for braces. `meta` holds for each tensor its element type, its
 * rank and its sizes; the data is contiguous. The handler returns 0, or another number to end the program. Null: standard output. */
typedef int (*cg_print_handler)(const char *format, int64_t count, void *const *data, const int64_t *meta);
void cg_set_print_handler(cg_print_handler handler);
void cg_print(const char *format, int64_t count, void *const *data, const int64_t *meta);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif /* CELLGRAD_CPU_H */
