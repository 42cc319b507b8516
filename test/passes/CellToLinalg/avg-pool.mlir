// RUN: cell-opt %s --convert-cell-to-linalg --canonicalize | FileCheck %s

// CHECK-LABEL: func.func @whole_count
func.func @whole_count(%x: tensor<2x3x8x8xf32>) -> tensor<2x3x8x8xf32> {
  // CHECK: %[[COUNT:.*]] = arith.constant 9.000000e+00 : f32
  // CHECK: tensor.pad
  // CHECK: arith.addf
  // CHECK: arith.divf %{{.*}}, %[[COUNT]]
  %0 = cell.avg_pool2d %x {kernel = array<i64: 3, 3>, pads = array<i64: 1, 1, 1, 1>} : (tensor<2x3x8x8xf32>) -> tensor<2x3x8x8xf32>
  return %0 : tensor<2x3x8x8xf32>
}

// Without padding in the count it depends on the place.
// CHECK-LABEL: func.func @inner_count
func.func @inner_count(%x: tensor<2x3x8x8xf32>) -> tensor<2x3x8x8xf32> {
  // CHECK: linalg.index 2
  // CHECK: arith.divf
  %0 = cell.avg_pool2d %x {kernel = array<i64: 3, 3>, pads = array<i64: 1, 1, 1, 1>, count_include_pad = false} : (tensor<2x3x8x8xf32>) -> tensor<2x3x8x8xf32>
  return %0 : tensor<2x3x8x8xf32>
}

// CHECK-LABEL: func.func @half
func.func @half(%x: tensor<2x3x8x8xbf16>) -> tensor<2x3x4x4xbf16> {
  // CHECK: arith.extf %{{.*}} : bf16 to f32
  // CHECK: arith.addf %{{.*}} : f32
  // CHECK: arith.truncf %{{.*}} : f32 to bf16
  %0 = cell.avg_pool2d %x {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>} : (tensor<2x3x8x8xbf16>) -> tensor<2x3x4x4xbf16>
  return %0 : tensor<2x3x4x4xbf16>
}

// CHECK-LABEL: func.func @tiled_gradient(
// CHECK-SAME: %[[DY:[^:]*]]: tensor<2x3x4x4xf32>
func.func @tiled_gradient(%dy: tensor<2x3x4x4xf32>) -> tensor<2x3x8x8xf32> {
  // CHECK: linalg.generic {{.*}} ins(%[[DY]] : tensor<2x3x4x4xf32>) outs(%{{.*}} : tensor<2x3x4x2x4x2xf32>)
  // CHECK: tensor.collapse_shape
  %0 = cell.avg_pool2d_grad %dy {input_size = array<i64: 8, 8>, kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>} : (tensor<2x3x4x4xf32>) -> tensor<2x3x8x8xf32>
  return %0 : tensor<2x3x8x8xf32>
}

// CHECK-LABEL: func.func @gradient
func.func @gradient(%dy: tensor<2x3x7x7xf32>) -> tensor<2x3x8x8xf32> {
  // CHECK: cellrt.call "avgpool2d_dx" params [3, 3, 1, 1, 1, 0, 1, 0, 0]
  %0 = cell.avg_pool2d_grad %dy {input_size = array<i64: 8, 8>, kernel = array<i64: 3, 3>, pads = array<i64: 1, 0, 1, 0>, count_include_pad = false} : (tensor<2x3x7x7xf32>) -> tensor<2x3x8x8xf32>
  return %0 : tensor<2x3x8x8xf32>
}
