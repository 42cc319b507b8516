/*===- ascend_sim.h - what kernels compiled for the Ascend simulator share with it -===*/
/* The image of a program is a relocatable object with, per kernel, a function `void <name>(void **args, cg_ascend_core *core)` that does the work of one
 * block (args[i] is the address of argument i, as for cuLaunchKernel), a constant `cg_ascend.<name>` of type cg_ascend_kernel, and one constant
 * `cg_ascend_target` of type cg_ascend_target. passes/AscendToSim makes them. */
#ifndef CELLGRAD_ASCEND_SIM_H
#define CELLGRAD_ASCEND_SIM_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { CG_ASCEND_VERSION = 2, CG_ASCEND_MAX_RANK = 8, CG_ASCEND_MAX_OPERANDS = 12 };

/* The order of these is that of the enumerations of dialect/Ascend. */
enum { CG_ASCEND_GM, CG_ASCEND_L1, CG_ASCEND_L0A, CG_ASCEND_L0B, CG_ASCEND_L0C, CG_ASCEND_UB, CG_ASCEND_BT, CG_ASCEND_SPACES, CG_ASCEND_SCALAR = CG_ASCEND_SPACES };
enum { CG_ASCEND_S, CG_ASCEND_V, CG_ASCEND_M, CG_ASCEND_MTE1, CG_ASCEND_MTE2, CG_ASCEND_MTE3, CG_ASCEND_FIX, CG_ASCEND_PIPES, CG_ASCEND_ALL = CG_ASCEND_PIPES };
enum { CG_ASCEND_AIC, CG_ASCEND_AIV, CG_ASCEND_AICPU, CG_ASCEND_CORES };
enum { CG_ASCEND_ADD, CG_ASCEND_SUB, CG_ASCEND_MUL, CG_ASCEND_DIV, CG_ASCEND_MAX, CG_ASCEND_MIN, CG_ASCEND_AND, CG_ASCEND_OR, CG_ASCEND_XOR, CG_ASCEND_SHL, CG_ASCEND_SHR };
enum { CG_ASCEND_EXP, CG_ASCEND_LN, CG_ASCEND_SQRT, CG_ASCEND_RSQRT, CG_ASCEND_REC, CG_ASCEND_ABS, CG_ASCEND_RELU, CG_ASCEND_NEG, CG_ASCEND_NOT };
enum { CG_ASCEND_SUM, CG_ASCEND_REDUCE_MAX, CG_ASCEND_REDUCE_MIN };
enum { CG_ASCEND_EQ, CG_ASCEND_NE, CG_ASCEND_LT, CG_ASCEND_LE, CG_ASCEND_GT, CG_ASCEND_GE };
enum { CG_ASCEND_RINT, CG_ASCEND_ROUND, CG_ASCEND_FLOOR, CG_ASCEND_CEIL, CG_ASCEND_TRUNC };

/* Element types. A bool takes a byte in every space. */
enum { CG_ASCEND_I1, CG_ASCEND_I8, CG_ASCEND_I16, CG_ASCEND_I32, CG_ASCEND_I64, CG_ASCEND_F16, CG_ASCEND_BF16, CG_ASCEND_F32, CG_ASCEND_F64, CG_ASCEND_TYPES };

enum { /* the operands are those of the dialect's operation, in its order; the last one is written */
  CG_ASCEND_LOAD,
  CG_ASCEND_STORE,
  CG_ASCEND_COPY,
  CG_ASCEND_ND2NZ,
  CG_ASCEND_L1_TO_L0A,
  CG_ASCEND_L1_TO_L0B,
  CG_ASCEND_L1_TO_BT,
  CG_ASCEND_FIXPIPE,
  CG_ASCEND_MMAD,       /* lhs, rhs, init, [bias,] out */
  CG_ASCEND_VBIN,       /* lhs and rhs may be scalars */
  CG_ASCEND_VUN,
  CG_ASCEND_VCAST,
  CG_ASCEND_VBRC,
  CG_ASCEND_VREDUCE,
  CG_ASCEND_VCMP,
  CG_ASCEND_VSEL,
  CG_ASCEND_VTRANSPOSE, /* attributes: the permutation */
  CG_ASCEND_VGATHER,
  CG_ASCEND_VARANGE,    /* offset, stride per axis, out */
  CG_ASCEND_SCALAR_LOAD,
  CG_ASCEND_SET_FLAG,   /* attributes 0, 1: the pipes; operand 0, a scalar: the id */
  CG_ASCEND_WAIT_FLAG,
  CG_ASCEND_BARRIER,    /* attribute 0: the pipe or ALL */
  CG_ASCEND_OPS
};
enum { CG_ASCEND_ATOMIC_ADD = 1, CG_ASCEND_WITH_RELU = 2, CG_ASCEND_TRANSPOSE = 4, CG_ASCEND_WITH_BIAS = 8 };
enum { CG_ASCEND_READ = 1, CG_ASCEND_WRITE = 2 };

/* What is known of an operation before it runs; constants of the object. */
typedef struct {
  int16_t space, type, rank, access; /* access: READ, WRITE or both */
  int64_t bytes;                     /* of the buffer that it is a part of; 0: not known */
} cg_ascend_operand;
typedef struct {
  int32_t op, pipe, kind, flags;
  int32_t attributes[CG_ASCEND_MAX_RANK];
  int64_t operands;
  const char *place; /* the user's line and the operation, for messages */
  cg_ascend_operand operand[CG_ASCEND_MAX_OPERANDS];
} cg_ascend_op;
/* The memory of an operand; strides count elements. A scalar operand has its bits in `data`. */
typedef struct {
  char *data, *base; /* the first element, and where its buffer starts */
  int64_t sizes[CG_ASCEND_MAX_RANK], strides[CG_ASCEND_MAX_RANK];
} cg_ascend_view;

/* What a kernel sees of the core that it runs on. */
typedef struct cg_ascend_core {
  int64_t block_idx, block_num;
  char *space[CG_ASCEND_SPACES]; /* its memories; that of GM is null */
  int64_t operations, accesses;  /* a general core's kernel adds what its block did: scalar operations, loads and stores */
} cg_ascend_core;

/* Does the operation now, or puts it into its pipe's queue. If it fails the kernel ends: this does not return. */
void cg_ascend_issue(cg_ascend_core *core, const cg_ascend_op *op, const cg_ascend_view *views);
/* The bits of the one element of `view`; ends the kernel likewise. */
int64_t cg_ascend_scalar_load(cg_ascend_core *core, const cg_ascend_op *op, const cg_ascend_view *view);

typedef struct {
  int32_t version;             /* CG_ASCEND_VERSION */
  int32_t core;                /* CG_ASCEND_AIV ... */
  int32_t block_dim;           /* the number of blocks that it was compiled for; 0: any */
  int32_t count;               /* arguments */
  const int32_t *value_bytes;  /* of each argument's value: 8 for a buffer */
  const int64_t *buffer_bytes; /* of the buffer; 0 for a scalar */
} cg_ascend_kernel;

/* The chip that the image was compiled for: all numbers of dialect/Ascend/Target.h by name. */
typedef struct {
  int32_t version;
  int32_t count;
  const char *chip;
  const char *names; /* each followed by a zero byte */
  const int64_t *numbers;
} cg_ascend_target;

#ifdef __cplusplus
}
#endif

#endif /* CELLGRAD_ASCEND_SIM_H */
