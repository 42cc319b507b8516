// RUN: cell-opt %s | cell-opt | FileCheck %s

// Attributes with their default values are not printed.
// CHECK-LABEL: func.func @matmul
func.func @matmul(%a: tensor<7x2x3xf32>, %b: tensor<7x4x3xf32>, %u: tensor<?x3xi32>) {
  // CHECK: cell.matmul %{{.*}}, %{{.*}} {transpose_b = true} : (tensor<7x2x3xf32>, tensor<7x4x3xf32>) -> tensor<7x2x4xf32>
  %0 = cell.matmul %a, %b {transpose_b = true, transpose_a = false} : (tensor<7x2x3xf32>, tensor<7x4x3xf32>) -> tensor<7x2x4xf32>
  // CHECK: cell.matmul %{{.*}}, %{{.*}} {transpose_a = true} : (tensor<?x3xi32>, tensor<?x3xi32>) -> tensor<3x3xi32>
  %1 = cell.matmul %u, %u {transpose_a = true} : (tensor<?x3xi32>, tensor<?x3xi32>) -> tensor<3x3xi32>
  return
}

// CHECK-LABEL: func.func @convolution
func.func @convolution(%x: tensor<?x6x9x8xf32>, %w: tensor<8x3x3x2xf32>, %dy: tensor<?x8x5x4xf32>) {
  // CHECK: cell.conv2d %{{.*}}, %{{.*}} {groups = 2 : i64, pads = array<i64: 1, 1, 0, 0>, strides = array<i64: 2, 2>}
  %0 = cell.conv2d %x, %w {strides = array<i64: 2, 2>, pads = array<i64: 1, 1, 0, 0>, dilations = array<i64: 1, 1>, groups = 2 : i64}
    : (tensor<?x6x9x8xf32>, tensor<8x3x3x2xf32>) -> tensor<?x8x5x4xf32>
  // CHECK: cell.conv2d_input_grad %{{.*}}, %{{.*}} {groups = 2 : i64, input_size = array<i64: 9, 8>, pads = array<i64: 1, 1, 0, 0>
  %1 = cell.conv2d_input_grad %dy, %w {input_size = array<i64: 9, 8>, strides = array<i64: 2, 2>, pads = array<i64: 1, 1, 0, 0>, groups = 2 : i64}
    : (tensor<?x8x5x4xf32>, tensor<8x3x3x2xf32>) -> tensor<?x6x9x8xf32>
  // CHECK: cell.conv2d_weight_grad %{{.*}}, %{{.*}} {groups = 2 : i64, kernel_size = array<i64: 3, 2>, pads = array<i64: 1, 1, 0, 0>
  %2 = cell.conv2d_weight_grad %x, %dy {kernel_size = array<i64: 3, 2>, strides = array<i64: 2, 2>, pads = array<i64: 1, 1, 0, 0>, groups = 2 : i64}
    : (tensor<?x6x9x8xf32>, tensor<?x8x5x4xf32>) -> tensor<8x3x3x2xf32>
  return
}
