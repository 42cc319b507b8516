// RUN: cell-opt %s --linalg-to-gpu | FileCheck %s

// The input is read along its own rows into shared memory, the result is written along its rows.

// CHECK: gpu.func @transpose_0
// CHECK-SAME: workgroup({{.*}} : memref<32x33xf32, #gpu.address_space<workgroup>>)
// CHECK: memref.store {{.*}} memref<32x33xf32
// CHECK: gpu.barrier
// CHECK: memref.load {{.*}} memref<32x33xf32
func.func @main(%a: tensor<200x72xf32>) -> tensor<72x200xf32> {
  %e = tensor.empty() : tensor<72x200xf32>
  %t = linalg.transpose ins(%a : tensor<200x72xf32>) outs(%e : tensor<72x200xf32>) permutation = [1, 0]
  return %t : tensor<72x200xf32>
}
