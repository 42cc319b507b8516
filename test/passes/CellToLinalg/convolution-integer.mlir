// RUN: cell-opt %s --convert-cell-to-linalg --canonicalize | FileCheck %s
// Integers have no routine: loops over windows of the padded input, and for the gradient of x over the windows that have an element.

// CHECK-DAG: #[[$WINDOW:.*]] = affine_map<(d0, d1, d2, d3, d4, d5, d6, d7) -> (d0, d1, d5, d3 * 2 + d6, d4 + d7 * 3)>

// CHECK-LABEL: func.func @forward
func.func @forward(%x: tensor<2x2x8x8xi32>, %w: tensor<4x1x3x2xi32>) -> tensor<2x4x4x6xi32> {
  // CHECK: tensor.pad %{{.*}} low[0, 0, 1, 0] high[0, 0, 0, 1]
  // CHECK: linalg.generic {indexing_maps = [#[[$WINDOW]], {{.*}} outs(%{{.*}} : tensor<2x2x2x4x6xi32>)
  // CHECK: arith.muli
  %0 = cell.conv2d %x, %w {strides = array<i64: 2, 1>, pads = array<i64: 1, 0, 0, 1>, dilations = array<i64: 1, 3>, groups = 2}
    : (tensor<2x2x8x8xi32>, tensor<4x1x3x2xi32>) -> tensor<2x4x4x6xi32>
  return %0 : tensor<2x4x4x6xi32>
}

// CHECK-LABEL: func.func @input_gradient
func.func @input_gradient(%dy: tensor<2x4x4x6xi32>, %w: tensor<4x1x3x3xi32>) -> tensor<2x2x8x8xi32> {
  // CHECK: arith.remsi
  // CHECK: tensor.extract
  // CHECK: arith.muli
  %0 = cell.conv2d_input_grad %dy, %w {input_size = array<i64: 8, 8>, strides = array<i64: 2, 1>, pads = array<i64: 1, 0, 0, 0>, groups = 2}
    : (tensor<2x4x4x6xi32>, tensor<4x1x3x3xi32>) -> tensor<2x2x8x8xi32>
  return %0 : tensor<2x2x8x8xi32>
}
