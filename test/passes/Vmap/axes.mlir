// RUN: cell-opt %s --cell-differentiate --cell-simplify | FileCheck %s
// The batch goes to dimension 0 and to where it is asked for; what is not batched is computed once and stays so.

func.func private @f(%x: tensor<4xf32>, %w: tensor<4x3xf32>) -> (tensor<3xf32>, tensor<4x3xf32>) {
  %0 = cell.reshape %x {shape = array<i64: 1, 4>} : (tensor<4xf32>) -> tensor<1x4xf32>
  %e = cell.exp %w : tensor<4x3xf32>
  %1 = cell.matmul %0, %e : (tensor<1x4xf32>, tensor<4x3xf32>) -> tensor<1x3xf32>
  %2 = cell.reshape %1 {shape = array<i64: 3>} : (tensor<1x3xf32>) -> tensor<3xf32>
  return %2, %e : tensor<3xf32>, tensor<4x3xf32>
}
// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[X:.*]]: tensor<4x8xf32>, %[[W:.*]]: tensor<4x3xf32>
// CHECK: %[[T:.*]] = cell.transpose %[[X]] {permutation = array<i64: 1, 0>}
// CHECK: %[[E:.*]] = cell.exp %[[W]] : tensor<4x3xf32>
// CHECK: %[[P:.*]] = cell.matmul %[[T]], %[[E]] : (tensor<8x4xf32>, tensor<4x3xf32>) -> tensor<8x3xf32>
// CHECK: %[[R:.*]] = cell.transpose %[[P]] {permutation = array<i64: 1, 0>}
// CHECK: return %[[R]], %[[E]]
func.func @main(%x: tensor<4x8xf32>, %w: tensor<4x3xf32>) -> (tensor<3x8xf32>, tensor<4x3xf32>) {
  %0:2 = cell.vmap @f(%x, %w) in_axes [1, -1] out_axes [1, -1] size 8 : (tensor<4x8xf32>, tensor<4x3xf32>) -> (tensor<3x8xf32>, tensor<4x3xf32>)
  return %0#0, %0#1 : tensor<3x8xf32>, tensor<4x3xf32>
}
