//===- Passes.td - passes from bufferised linalg to GPU kernels ------------===//
#ifndef CELL_PASSES_LINALGTOGPU_TD
#define CELL_PASSES_LINALGTOGPU_TD

include "mlir/Pass/PassBase.td"

def ScalarizeHostTensors : Pass<"scalarize-host-tensors", "::mlir::ModuleOp"> {
  let summary = "0-d tensors that the host knows become scalars";
  let description = [{
    The form of `scalarize-tensors` for programs whose tensors are in the memory of a device: only what is computed from constants, loop counters and other scalars
    of the host becomes a scalar. What comes from tensors stays a 0-d tensor and is computed on the device; the host reads it where a condition or a bound
    needs it.
  }];
}

def LinalgToGpuKernels : Pass<"linalg-to-gpu-kernels", "::mlir::ModuleOp"> {
  let summary = "each linalg op on memrefs becomes GPU kernels and their launches";
  let description = [{
    Every `linalg` op and `cellrt.call` on memrefs is mapped to one or more `gpu.func` kernels of `gpu.module @kernels`, launched with constant sizes in the
    place of the op: contractions, transposes, reductions, pointwise groups. Copies between buffers that are not contiguous, and stores of scalars on the
    host, become kernels as well. The form of the result is in docs/design/gpu-pipeline.md.
  }];
  let options = [
    Option<"chip", "chip", "std::string", /*default=*/"\"sm_90\"", "What tiles and grids are chosen for: sm_80, sm_90 ..., sim">,
    Option<"multiprocessors", "multiprocessors", "int64_t", /*default=*/"0", "Multiprocessors of the device; 0: those of the chip's largest">,
    Option<"tf32", "tf32", "std::string", /*default=*/"\"none\"", "Which products of f32 may round their factors to tf32: none, matmul, conv, all">,
    Option<"products", "products", "std::string", /*default=*/"\"generated\"", "Products by kernels (generated), by cuBLASLt where it can (library), or by what is faster on the device (measured; measured-matmul and measured-conv: only matrix products, only convolutions)">,
    Option<"wgmma", "wgmma", "std::string", /*default=*/"\"auto\"", "Products of f16 and bf16 by wgmma: auto (chip sm_90a, where it is faster), on (each one that fits, whatever the chip), off">];
}

def BatchLaunches : Pass<"batch-launches", "::mlir::ModuleOp"> {
  let summary = "small kernels that nothing between them depends on are one launch";
  let description = [{
    Launches of pointwise kernels (no shared memory, no exchange between threads) that can run in one place become one kernel, in which each part has blocks of its
    own: the updates of all Parameters, running statistics. A part may run later than it did, as far as no op between touches its memory and no assertion or print
    comes first; one that reads large scratch memory does not wait for other work.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect"];
}

def FoldProductOperands : Pass<"fold-product-operands", "::mlir::ModuleOp"> {
  let summary = "matrix products and convolutions read their factors where and as they lie";
  let description = [{
    A contraction whose factor is a transpose or a repetition reads the original through its indexing map; one whose factor is extended from f16 or bf16 (or
    a smaller integer) extends it inside, and a convolution routine takes it as it is. So a factor is not written to memory a second time, and products of
    16-bit factors can use tensor cores.
  }];
}

def RoundProducts : Pass<"round-products", "::mlir::ModuleOp"> {
  let summary = "products of 16-bit factors are stored in 16 bits where everybody rounds them";
  let description = [{
    The sum of a product of f16 or bf16 factors is f32, and where a program stores it in the factors' type, `fuse-linalg` has moved the rounding to the readers. Where
    these are several, or not pointwise, the rounding comes back as an op of its own behind the product, which stores it as it computes: half the memory traffic,
    and the form in which a library can compute a convolution.
  }];
}

#endif // CELL_PASSES_LINALGTOGPU_TD
