// RUN: cell-opt --cell-to-nvvm="chip=sm_90" %s | FileCheck %s
// RUN: cell-opt --cell-to-nvvm="chip=sim" %s | FileCheck %s --check-prefix=SIM

// From cell to a host program and a kernel: no call of a library for the elementary function.

// CHECK: gpu.module @kernels [#nvvm.target<
// CHECK-NOT: __nv_
// CHECK: llvm.func @add_tanh_0(
// CHECK-SAME: llvm.noalias, llvm.readonly
// CHECK: llvm.intr.fma
// CHECK: llvm.call @cg_gpu_launch(
// SIM: gpu.module @kernels {
// SIM: cg_sim
// SIM: llvm.call @cg_gpu_launch(
func.func @main(%x: tensor<64x100xf32>, %y: tensor<64x100xf32>) -> tensor<64x100xf32> {
  %a = cell.add %x, %y : tensor<64x100xf32>
  %b = cell.tanh %a : tensor<64x100xf32>
  return %b : tensor<64x100xf32>
}
