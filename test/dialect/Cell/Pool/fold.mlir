// RUN: cell-opt %s --canonicalize | FileCheck %s

// A window of one element changes nothing.
// CHECK-LABEL: func.func @one(
// CHECK-SAME: %[[X:[^:]*]]: tensor<1x2x3x4xf32>
func.func @one(%x: tensor<1x2x3x4xf32>) -> tensor<1x2x3x4xf32> {
  // CHECK-NEXT: return %[[X]]
  %0 = cell.max_pool2d %x {kernel = array<i64: 1, 1>} : (tensor<1x2x3x4xf32>) -> tensor<1x2x3x4xf32>
  %1 = cell.avg_pool2d %0 {kernel = array<i64: 1, 1>} : (tensor<1x2x3x4xf32>) -> tensor<1x2x3x4xf32>
  %2 = cell.avg_pool2d_grad %1 {input_size = array<i64: 3, 4>, kernel = array<i64: 1, 1>} : (tensor<1x2x3x4xf32>) -> tensor<1x2x3x4xf32>
  return %2 : tensor<1x2x3x4xf32>
}

// CHECK-LABEL: func.func @strided
func.func @strided(%x: tensor<1x2x3x4xf32>) -> tensor<1x2x2x2xf32> {
  // CHECK: cell.max_pool2d
  %0 = cell.max_pool2d %x {kernel = array<i64: 1, 1>, strides = array<i64: 2, 2>} : (tensor<1x2x3x4xf32>) -> tensor<1x2x2x2xf32>
  return %0 : tensor<1x2x2x2xf32>
}
