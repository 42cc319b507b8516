// RUN: cell-opt %s --cell-drop-barriers | FileCheck %s
// A barrier goes where its users can run in one loop with what made its operand, and stays where they wait for a product or a sum.

// CHECK-LABEL: func.func @fused
// CHECK-NOT: cell.barrier
// CHECK: return
func.func @fused(%x: tensor<4x4xf32>) -> (tensor<f32>, tensor<4x4xf32>) {
  %0 = cell.neg %x : tensor<4x4xf32>
  %1 = cell.exp %0 : tensor<4x4xf32>
  %2 = cell.reduce_sum %1 {axes = array<i64: 0, 1>, keepdims = false} : (tensor<4x4xf32>) -> tensor<f32>
  %3 = cell.barrier %0 : tensor<4x4xf32>
  %4 = cell.exp %3 : tensor<4x4xf32>
  %5 = cell.mul %4, %x : tensor<4x4xf32>
  return %2, %5 : tensor<f32>, tensor<4x4xf32>
}
// CHECK-LABEL: func.func @apart
// CHECK: cell.barrier
// CHECK: return
func.func @apart(%x: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %0 = cell.neg %x : tensor<4x4xf32>
  %1 = cell.exp %0 : tensor<4x4xf32>
  %2 = cell.matmul %1, %x : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %3 = cell.barrier %0 : tensor<4x4xf32>
  %4 = cell.exp %3 : tensor<4x4xf32>
  %5 = cell.mul %4, %2 : tensor<4x4xf32>
  return %5 : tensor<4x4xf32>
}
// Nothing to be merged with.
// CHECK-LABEL: func.func @alone
// CHECK-NOT: cell.barrier
// CHECK: return
func.func @alone(%x: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %0 = cell.barrier %x : tensor<4x4xf32>
  %1 = cell.exp %0 : tensor<4x4xf32>
  return %1 : tensor<4x4xf32>
}
