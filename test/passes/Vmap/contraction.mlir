// RUN: cell-opt %s --cell-differentiate --cell-simplify --split-input-file | FileCheck %s
// One batched operand: its rows or columns become those of one large product; a convolution folds the batch into images or channels.

func.func private @vector(%a: tensor<3x4xf32>, %v: tensor<4x1xf32>) -> tensor<3x1xf32> {
  %0 = cell.matmul %a, %v : (tensor<3x4xf32>, tensor<4x1xf32>) -> tensor<3x1xf32>
  return %0 : tensor<3x1xf32>
}
// No element of a batch of vectors moves.
// CHECK-LABEL: func.func @vectors
// CHECK-NOT: transpose %
// CHECK: cell.matmul %{{.*}}, %{{.*}} {transpose_b = true} : (tensor<8x4xf32>, tensor<3x4xf32>) -> tensor<8x3xf32>
// CHECK-NOT: transpose %
func.func @vectors(%a: tensor<3x4xf32>, %v: tensor<8x4x1xf32>) -> tensor<8x3x1xf32> {
  %0 = cell.vmap @vector(%a, %v) in_axes [-1, 0] out_axes [0] size 8 : (tensor<3x4xf32>, tensor<8x4x1xf32>) -> tensor<8x3x1xf32>
  return %0 : tensor<8x3x1xf32>
}

// -----

func.func private @conv(%x: tensor<2x3x5x5xf32>, %w: tensor<6x3x2x2xf32>) -> tensor<2x6x4x4xf32> {
  %0 = cell.conv2d %x, %w : (tensor<2x3x5x5xf32>, tensor<6x3x2x2xf32>) -> tensor<2x6x4x4xf32>
  return %0 : tensor<2x6x4x4xf32>
}
// CHECK-LABEL: func.func @images
// CHECK: cell.conv2d {{.*}} : (tensor<16x3x5x5xf32>, tensor<6x3x2x2xf32>) -> tensor<16x6x4x4xf32>
func.func @images(%x: tensor<8x2x3x5x5xf32>, %w: tensor<6x3x2x2xf32>) -> tensor<8x2x6x4x4xf32> {
  %0 = cell.vmap @conv(%x, %w) in_axes [0, -1] out_axes [0] size 8 : (tensor<8x2x3x5x5xf32>, tensor<6x3x2x2xf32>) -> tensor<8x2x6x4x4xf32>
  return %0 : tensor<8x2x6x4x4xf32>
}
// CHECK-LABEL: func.func @filters
// CHECK: cell.conv2d {{.*}} : (tensor<2x3x5x5xf32>, tensor<48x3x2x2xf32>) -> tensor<2x48x4x4xf32>
func.func @filters(%x: tensor<2x3x5x5xf32>, %w: tensor<8x6x3x2x2xf32>) -> tensor<8x2x6x4x4xf32> {
  %0 = cell.vmap @conv(%x, %w) in_axes [-1, 0] out_axes [0] size 8 : (tensor<2x3x5x5xf32>, tensor<8x6x3x2x2xf32>) -> tensor<8x2x6x4x4xf32>
  return %0 : tensor<8x2x6x4x4xf32>
}
// CHECK-LABEL: func.func @both
// CHECK: cell.conv2d {{.*}} {groups = 8 : i64} : (tensor<2x24x5x5xf32>, tensor<48x3x2x2xf32>) -> tensor<2x48x4x4xf32>
func.func @both(%x: tensor<8x2x3x5x5xf32>, %w: tensor<8x6x3x2x2xf32>) -> tensor<8x2x6x4x4xf32> {
  %0 = cell.vmap @conv(%x, %w) in_axes [0, 0] out_axes [0] size 8 : (tensor<8x2x3x5x5xf32>, tensor<8x6x3x2x2xf32>) -> tensor<8x2x6x4x4xf32>
  return %0 : tensor<8x2x6x4x4xf32>
}
