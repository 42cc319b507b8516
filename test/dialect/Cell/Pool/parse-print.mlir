// RUN: cell-opt %s | cell-opt | FileCheck %s

// CHECK-LABEL: func.func @maximum
func.func @maximum(%x: tensor<?x3x8x8xui8>, %dy: tensor<?x3x4x4xui8>) {
  // CHECK: cell.max_pool2d %{{.*}} {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>} : (tensor<?x3x8x8xui8>) -> tensor<?x3x4x4xui8>
  %0 = cell.max_pool2d %x {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>} : (tensor<?x3x8x8xui8>) -> tensor<?x3x4x4xui8>
  // CHECK: cell.max_pool2d_grad %{{.*}}, %{{.*}} {kernel = array<i64: 3, 3>, pads = array<i64: 1, 0, 1, 0>, strides = array<i64: 2, 2>}
  %1 = cell.max_pool2d_grad %x, %dy {kernel = array<i64: 3, 3>, strides = array<i64: 2, 2>, pads = array<i64: 1, 0, 1, 0>} : (tensor<?x3x8x8xui8>, tensor<?x3x4x4xui8>) -> tensor<?x3x8x8xui8>
  // CHECK: cell.max_pool2d_gather %{{.*}}, %{{.*}} {dilations = array<i64: 2, 2>, kernel = array<i64: 2, 2>}
  %2 = cell.max_pool2d_gather %x, %x {kernel = array<i64: 2, 2>, dilations = array<i64: 2, 2>} : (tensor<?x3x8x8xui8>, tensor<?x3x8x8xui8>) -> tensor<?x3x6x6xui8>
  return
}

// CHECK-LABEL: func.func @mean
func.func @mean(%x: tensor<2x3x8x8xf16>, %dy: tensor<2x3x4x4xf16>) {
  // CHECK: cell.avg_pool2d %{{.*}} {count_include_pad = false, kernel = array<i64: 3, 3>, pads = array<i64: 1, 1, 1, 1>}
  %0 = cell.avg_pool2d %x {kernel = array<i64: 3, 3>, pads = array<i64: 1, 1, 1, 1>, count_include_pad = false} : (tensor<2x3x8x8xf16>) -> tensor<2x3x8x8xf16>
  // CHECK: cell.avg_pool2d_grad %{{.*}} {input_size = array<i64: 9, 8>, kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>} : (tensor<2x3x4x4xf16>) -> tensor<2x3x9x8xf16>
  %1 = cell.avg_pool2d_grad %dy {input_size = array<i64: 9, 8>, kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>} : (tensor<2x3x4x4xf16>) -> tensor<2x3x9x8xf16>
  return
}
