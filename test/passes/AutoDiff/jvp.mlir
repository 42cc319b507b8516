// RUN: cell-opt %s --cell-differentiate | FileCheck %s
// Forward mode adds a tangent to each value on the way, from the op's reverse rule transposed; nothing is left of the reverse rule.

// CHECK-LABEL: func.func private @f.jvp
// CHECK-SAME: (%[[X:.*]]: tensor<4xf32>, %[[W:.*]]: tensor<4xf32>, %[[TX:.*]]: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
// CHECK: %[[S:.*]] = cell.sin %[[X]]
// CHECK: %[[C:.*]] = cell.cos %[[X]]
// CHECK: %[[TS:.*]] = cell.mul %[[TX]], %[[C]]
// CHECK: %[[R:.*]] = cell.mul %[[S]], %[[W]]
// CHECK-NEXT: %[[T:.*]] = cell.mul %[[TS]], %[[W]]
// CHECK-NEXT: return %[[R]], %[[T]]
func.func private @f(%x: tensor<4xf32>, %w: tensor<4xf32>) -> tensor<4xf32> {
  %0 = cell.sin %x : tensor<4xf32>
  %1 = cell.mul %0, %w : tensor<4xf32>
  return %1 : tensor<4xf32>
}
func.func @main(%x: tensor<4xf32>, %w: tensor<4xf32>, %t: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %v, %d = cell.jvp @f(%x, %w) tangents(%t) wrt [0] outputs [0] : (tensor<4xf32>, tensor<4xf32>), (tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %v, %d : tensor<4xf32>, tensor<4xf32>
}
