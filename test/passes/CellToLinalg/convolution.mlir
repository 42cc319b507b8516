// RUN: cell-opt %s --convert-cell-to-linalg --canonicalize | FileCheck %s
// Floats are left to the runtime's routines: parameters are strides, pads, dilations and groups.

// CHECK-LABEL: func.func @floats(
// CHECK-SAME: %[[X:[^:]*]]: tensor<2x2x8x8xf32>, %[[W:[^:]*]]: tensor<4x1x3x3xf32>, %[[DY:[^:]*]]: tensor<2x4x4x4xf32>
func.func @floats(%x: tensor<2x2x8x8xf32>, %w: tensor<4x1x3x3xf32>, %dy: tensor<2x4x4x4xf32>) -> (tensor<2x4x4x4xf32>, tensor<2x2x8x8xf32>, tensor<4x1x3x3xf32>) {
  // CHECK: cellrt.call "conv2d" params [2, 2, 1, 0, 1, 0, 1, 1, 2] ins(%[[X]], %[[W]] : {{.*}}) outs(%{{.*}} : tensor<2x4x4x4xf32>)
  %0 = cell.conv2d %x, %w {strides = array<i64: 2, 2>, pads = array<i64: 1, 0, 1, 0>, groups = 2}
    : (tensor<2x2x8x8xf32>, tensor<4x1x3x3xf32>) -> tensor<2x4x4x4xf32>
  // CHECK: cellrt.call "conv2d_dx" params [2, 2, 1, 0, 1, 0, 1, 1, 2] ins(%[[DY]], %[[W]] : {{.*}}) outs(%{{.*}} : tensor<2x2x8x8xf32>)
  %1 = cell.conv2d_input_grad %dy, %w {input_size = array<i64: 8, 8>, strides = array<i64: 2, 2>, pads = array<i64: 1, 0, 1, 0>, groups = 2}
    : (tensor<2x4x4x4xf32>, tensor<4x1x3x3xf32>) -> tensor<2x2x8x8xf32>
  // CHECK: cellrt.call "conv2d_dw" params [2, 2, 1, 0, 1, 0, 1, 1, 2] ins(%[[X]], %[[DY]] : {{.*}}) outs(%{{.*}} : tensor<4x1x3x3xf32>)
  %2 = cell.conv2d_weight_grad %x, %dy {kernel_size = array<i64: 3, 3>, strides = array<i64: 2, 2>, pads = array<i64: 1, 0, 1, 0>, groups = 2}
    : (tensor<2x2x8x8xf32>, tensor<2x4x4x4xf32>) -> tensor<4x1x3x3xf32>
  return %0, %1, %2 : tensor<2x4x4x4xf32>, tensor<2x2x8x8xf32>, tensor<4x1x3x3xf32>
}

// CHECK-LABEL: func.func @half
func.func @half(%x: tensor<2x1x8x8xf16>, %w: tensor<4x1x3x3xf16>) -> tensor<2x4x6x6xf16> {
  // CHECK-COUNT-2: arith.extf %{{.*}} : f16 to f32
  // CHECK: cellrt.call "conv2d" {{.*}} outs(%{{.*}} : tensor<2x4x6x6xf32>)
  // CHECK: arith.truncf %{{.*}} : f32 to f16
  %0 = cell.conv2d %x, %w : (tensor<2x1x8x8xf16>, tensor<4x1x3x3xf16>) -> tensor<2x4x6x6xf16>
  return %0 : tensor<2x4x6x6xf16>
}
