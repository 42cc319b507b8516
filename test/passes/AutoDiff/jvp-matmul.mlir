// RUN: cell-opt %s --cell-differentiate | FileCheck %s
// The tangent of a product is a product of the same form, without transposes.

// CHECK-LABEL: func.func private @f.jvp
// CHECK-SAME: (%[[X:.*]]: tensor<2x3xf32>, %[[W:.*]]: tensor<3x4xf32>, %[[TX:.*]]: tensor<2x3xf32>, %[[TW:.*]]: tensor<3x4xf32>)
// CHECK: cell.matmul %[[X]], %[[W]] : (tensor<2x3xf32>
// CHECK-DAG: %[[A:.*]] = cell.matmul %[[TX]], %[[W]] : (tensor<2x3xf32>
// CHECK-DAG: %[[B:.*]] = cell.matmul %[[X]], %[[TW]] : (tensor<2x3xf32>
// CHECK: cell.add
// CHECK-NEXT: return
func.func private @f(%x: tensor<2x3xf32>, %w: tensor<3x4xf32>) -> tensor<2x4xf32> {
  %0 = cell.matmul %x, %w {transpose_a = false, transpose_b = false} : (tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}
func.func @main(%x: tensor<2x3xf32>, %w: tensor<3x4xf32>) -> tensor<2x4xf32> {
  %v, %d = cell.jvp @f(%x, %w) tangents(%x, %w) wrt [0, 1] outputs [0] : (tensor<2x3xf32>, tensor<3x4xf32>), (tensor<2x3xf32>, tensor<3x4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>)
  return %d : tensor<2x4xf32>
}
