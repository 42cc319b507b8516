// RUN: cell-opt %s --linalg-to-gpu | FileCheck %s
// RUN: cell-opt %s --linalg-to-gpu 2>&1 >/dev/null | FileCheck %s --check-prefix=REMARK

// REMARK: remark: the updates of this scatter are added by atomic operations on the GPU, in an order that differs from run to run

// Too many rows and indices to go through all indices for each row: one atomic addition per element of the updates, none for indices that are out of range.

// CHECK: gpu.func @scatter_add_0
// CHECK: %[[INSIDE:.*]] = arith.cmpi ult
// CHECK: scf.if %[[INSIDE]]
// CHECK: memref.atomic_rmw addf
func.func @main(%i: tensor<4096xi64>, %u: tensor<4096x64xf32>, %acc: tensor<30000x64xf32>) -> tensor<30000x64xf32> {
  %s = cellrt.call "scatter_add" ins(%i, %u : tensor<4096xi64>, tensor<4096x64xf32>) outs(%acc : tensor<30000x64xf32>) -> tensor<30000x64xf32>
  return %s : tensor<30000x64xf32>
}
