// RUN: cell-opt %s --split-input-file --cell-differentiate-pipeline --cell-simplify | FileCheck %s

func.func private @f(%a: tensor<2x3xf32>, %b: tensor<4x3xf32>) -> tensor<2x4xf32> {
  %0 = cell.matmul %a, %b {transpose_b = true} : (tensor<2x3xf32>, tensor<4x3xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}
// No operand is transposed in memory: the derivatives are products with flags.
// CHECK-LABEL: func.func @dense(
// CHECK-SAME: %[[A:[^:]*]]: tensor<2x3xf32>, %[[B:[^:]*]]: tensor<4x3xf32>, %[[CT:[^:]*]]: tensor<2x4xf32>
func.func @dense(%a: tensor<2x3xf32>, %b: tensor<4x3xf32>, %ct: tensor<2x4xf32>) -> (tensor<2x4xf32>, tensor<2x3xf32>, tensor<4x3xf32>) {
  // CHECK-DAG: cell.matmul %[[CT]], %[[B]] : (tensor<2x4xf32>, tensor<4x3xf32>) -> tensor<2x3xf32>
  // CHECK-DAG: cell.matmul %[[CT]], %[[A]] {transpose_a = true} : (tensor<2x4xf32>, tensor<2x3xf32>) -> tensor<4x3xf32>
  %v, %da, %db = cell.vjp @f(%a, %b) cotangents(%ct) wrt [0, 1] outputs [0] : (tensor<2x3xf32>, tensor<4x3xf32>), (tensor<2x4xf32>) -> (tensor<2x4xf32>, tensor<2x3xf32>, tensor<4x3xf32>)
  return %v, %da, %db : tensor<2x4xf32>, tensor<2x3xf32>, tensor<4x3xf32>
}

// -----

func.func private @f(%x: tensor<1x2x6x6xf32>, %w: tensor<4x1x3x3xf32>) -> tensor<1x4x3x3xf32> {
  %0 = cell.conv2d %x, %w {strides = array<i64: 2, 2>, pads = array<i64: 1, 1, 1, 1>, groups = 2} : (tensor<1x2x6x6xf32>, tensor<4x1x3x3xf32>) -> tensor<1x4x3x3xf32>
  return %0 : tensor<1x4x3x3xf32>
}
// CHECK-LABEL: func.func @convolution(
// CHECK-SAME: %[[X:[^:]*]]: tensor<1x2x6x6xf32>, %[[W:[^:]*]]: tensor<4x1x3x3xf32>, %[[CT:[^:]*]]: tensor<1x4x3x3xf32>
func.func @convolution(%x: tensor<1x2x6x6xf32>, %w: tensor<4x1x3x3xf32>, %ct: tensor<1x4x3x3xf32>) -> (tensor<1x4x3x3xf32>, tensor<1x2x6x6xf32>, tensor<4x1x3x3xf32>) {
  // CHECK-DAG: cell.conv2d_input_grad %[[CT]], %[[W]] {groups = 2 : i64, input_size = array<i64: 6, 6>, pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 2, 2>}
  // CHECK-DAG: cell.conv2d_weight_grad %[[X]], %[[CT]] {groups = 2 : i64, kernel_size = array<i64: 3, 3>, pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 2, 2>}
  %v, %dx, %dw = cell.vjp @f(%x, %w) cotangents(%ct) wrt [0, 1] outputs [0] : (tensor<1x2x6x6xf32>, tensor<4x1x3x3xf32>), (tensor<1x4x3x3xf32>) -> (tensor<1x4x3x3xf32>, tensor<1x2x6x6xf32>, tensor<4x1x3x3xf32>)
  return %v, %dx, %dw : tensor<1x4x3x3xf32>, tensor<1x2x6x6xf32>, tensor<4x1x3x3xf32>
}
