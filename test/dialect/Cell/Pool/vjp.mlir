// RUN: cell-opt %s --split-input-file --cell-differentiate-pipeline --cell-simplify | FileCheck %s

// The second derivative of a maximum picks elements by where the first maxima are.
func.func private @f(%x: tensor<1x1x4x4xf32>) -> tensor<1x1x2x2xf32> {
  %0 = cell.max_pool2d %x {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>} : (tensor<1x1x4x4xf32>) -> tensor<1x1x2x2xf32>
  %1 = cell.mul %0, %0 : tensor<1x1x2x2xf32>
  return %1 : tensor<1x1x2x2xf32>
}
func.func private @g(%x: tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf32> {
  %v, %dx = cell.value_and_grad @f(%x) wrt [0] outputs [0] : (tensor<1x1x4x4xf32>) -> (tensor<1x1x2x2xf32>, tensor<1x1x4x4xf32>)
  return %dx : tensor<1x1x4x4xf32>
}
// CHECK-LABEL: func.func @second(
// CHECK-SAME: %[[X:[^:]*]]: tensor<1x1x4x4xf32>
func.func @second(%x: tensor<1x1x4x4xf32>, %t: tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf32> {
  // CHECK: cell.max_pool2d_gather %[[X]]
  // CHECK: cell.max_pool2d_grad %[[X]]
  %v, %dx = cell.vjp @g(%x) cotangents(%t) wrt [0] outputs [0] : (tensor<1x1x4x4xf32>), (tensor<1x1x4x4xf32>) -> (tensor<1x1x4x4xf32>, tensor<1x1x4x4xf32>)
  return %dx : tensor<1x1x4x4xf32>
}

// -----

func.func private @f(%x: tensor<1x1x5x4xf32>) -> tensor<1x1x2x2xf32> {
  %0 = cell.avg_pool2d %x {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>} : (tensor<1x1x5x4xf32>) -> tensor<1x1x2x2xf32>
  return %0 : tensor<1x1x2x2xf32>
}
// CHECK-LABEL: func.func @mean
func.func @mean(%x: tensor<1x1x5x4xf32>, %ct: tensor<1x1x2x2xf32>) -> tensor<1x1x5x4xf32> {
  // CHECK: cell.avg_pool2d_grad %{{.*}} {input_size = array<i64: 5, 4>, kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>}
  %v, %dx = cell.vjp @f(%x) cotangents(%ct) wrt [0] outputs [0] : (tensor<1x1x5x4xf32>), (tensor<1x1x2x2xf32>) -> (tensor<1x1x2x2xf32>, tensor<1x1x5x4xf32>)
  return %dx : tensor<1x1x5x4xf32>
}
