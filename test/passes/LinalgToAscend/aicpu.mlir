// What neither the cube nor the vector unit can do is a kernel of plain loops on the AI CPU, and a remark says why.
// RUN: cell-opt %s --linalg-to-ascend 2>&1 | FileCheck %s

// CHECK: remark: stage linalg-to-ascend-kernels: kernel 'mul_0' runs on the AI CPU:
// CHECK-LABEL: func.func @main(
// CHECK: gpu.launch_func @kernels::@mul_0 blocks in (%{{.*}}, %[[ONE:.*]], %[[ONE]]) threads in (%[[ONE]], %[[ONE]], %[[ONE]])
// CHECK: gpu.module @kernels attributes {ascend.target = #ascend.target<"Ascend910B3">}
// CHECK: func.func @mul_0(%{{.*}}: memref<100xf64, #ascend.space<gm>>
// CHECK-SAME: ascend.core = #ascend.core<aicpu>
// CHECK-SAME: gpu.kernel
// CHECK: ascend.block_idx
// CHECK: scf.for
// CHECK: arith.mulf %{{.*}} : f64
func.func @main(%a: tensor<100xf64>) -> tensor<100xf64> {
  %e = tensor.empty() : tensor<100xf64>
  %m = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]} ins(%a : tensor<100xf64>) outs(%e : tensor<100xf64>) {
  ^bb0(%x: f64, %o: f64):
    %0 = arith.mulf %x, %x : f64
    linalg.yield %0 : f64
  } -> tensor<100xf64>
  return %m : tensor<100xf64>
}
