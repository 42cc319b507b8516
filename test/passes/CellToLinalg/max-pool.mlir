// RUN: cell-opt %s --convert-cell-to-linalg --canonicalize | FileCheck %s

// CHECK-DAG: #[[$WINDOW:.*]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1, d2 + d4, d3 * 2 + d5)>
// CHECK-DAG: #[[$LAST:.*]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1, d2 * 2 + 1, d4 * 2 + 1)>
// CHECK-DAG: #[[$TILE:.*]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1, d2, d4)>

// CHECK-LABEL: func.func @forward(
// CHECK-SAME: %[[X:[^:]*]]: tensor<2x3x8x8xf32>
func.func @forward(%x: tensor<2x3x8x8xf32>) -> tensor<2x3x7x4xf32> {
  // CHECK: arith.constant 0xFF800000 : f32
  // CHECK: linalg.generic {indexing_maps = [#[[$WINDOW]], {{.*}}ins(%[[X]], %{{.*}} : tensor<2x3x8x8xf32>, tensor<2x2xf32>)
  // CHECK: arith.maximumf
  %0 = cell.max_pool2d %x {kernel = array<i64: 2, 2>, strides = array<i64: 1, 2>} : (tensor<2x3x8x8xf32>) -> tensor<2x3x7x4xf32>
  return %0 : tensor<2x3x7x4xf32>
}

// CHECK-LABEL: func.func @pairs
func.func @pairs(%x: tensor<2x3x8x8xf32>, %dy: tensor<2x3x4x4xf32>) -> (tensor<2x3x4x4xf32>, tensor<2x3x8x8xf32>) {
  // CHECK: cellrt.call "maxpool2d" params [2, 2, 2, 2, 0, 0, 0, 0, 1, 1]
  // CHECK: cellrt.call "maxpool2d_dx" params [2, 2, 2, 2, 0, 0, 0, 0, 1, 1]
  %0 = cell.max_pool2d %x {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>} : (tensor<2x3x8x8xf32>) -> tensor<2x3x4x4xf32>
  %1 = cell.max_pool2d_grad %x, %dy {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>} : (tensor<2x3x8x8xf32>, tensor<2x3x4x4xf32>) -> tensor<2x3x8x8xf32>
  return %0, %1 : tensor<2x3x4x4xf32>, tensor<2x3x8x8xf32>
}

// Padding is the lowest number of the type.
// CHECK-LABEL: func.func @padded
func.func @padded(%x: tensor<2x3x8x8xi8>) -> tensor<2x3x4x4xi8> {
  // CHECK: %[[LOW:.*]] = arith.constant -128 : i8
  // CHECK: tensor.pad %{{.*}} low[0, 0, 1, 1] high[0, 0, 0, 0]
  // CHECK: tensor.yield %[[LOW]]
  // CHECK: arith.maxsi
  %0 = cell.max_pool2d %x {kernel = array<i64: 3, 3>, strides = array<i64: 2, 2>, pads = array<i64: 1, 0, 1, 0>} : (tensor<2x3x8x8xi8>) -> tensor<2x3x4x4xi8>
  return %0 : tensor<2x3x4x4xi8>
}

// Windows that tile the input: one loop over x that compares within each tile, no index of the maximum in memory.
// CHECK-LABEL: func.func @tiled_gradient(
// CHECK-SAME: %[[X:[^:]*]]: tensor<2x3x9x8xf32>, %[[DY:[^:]*]]: tensor<2x3x4x4xf32>
func.func @tiled_gradient(%x: tensor<2x3x9x8xf32>, %dy: tensor<2x3x4x4xf32>) -> tensor<2x3x9x8xf32> {
  // CHECK: linalg.generic {indexing_maps = [#[[$TILE]], {{.*}}, #[[$LAST]], {{.*}}ins(%[[DY]], %[[X]], %[[X]], %[[X]], %[[X]] :
  // CHECK: tensor.collapse_shape %{{.*}} into tensor<2x3x8x8xf32>
  // CHECK: tensor.pad %{{.*}} low[0, 0, 0, 0] high[0, 0, 1, 0]
  %0 = cell.max_pool2d_grad %x, %dy {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>} : (tensor<2x3x9x8xf32>, tensor<2x3x4x4xf32>) -> tensor<2x3x9x8xf32>
  return %0 : tensor<2x3x9x8xf32>
}

// CHECK-LABEL: func.func @gather
func.func @gather(%x: tensor<2x3x8x8xf32>, %t: tensor<2x3x8x8xf32>) -> tensor<2x3x7x7xf32> {
  // CHECK: %[[FIRST:.*]]:2 = linalg.generic {{.*}} outs(%{{.*}}, %{{.*}} : tensor<2x3x7x7xf32>, tensor<2x3x7x7xi32>)
  // CHECK: linalg.generic {{.*}} ins(%[[FIRST]]#1 : tensor<2x3x7x7xi32>)
  // CHECK: tensor.extract
  %0 = cell.max_pool2d_gather %x, %t {kernel = array<i64: 2, 2>} : (tensor<2x3x8x8xf32>, tensor<2x3x8x8xf32>) -> tensor<2x3x7x7xf32>
  return %0 : tensor<2x3x7x7xf32>
}

// Windows that overlap: a routine of the runtime for floats, a sum over windows for integers.
// CHECK-LABEL: func.func @gradient(
// CHECK-SAME: %[[X:[^:]*]]: tensor<2x3x8x8xf32>, %[[DY:[^:]*]]: tensor<2x3x7x6xf32>
func.func @gradient(%x: tensor<2x3x8x8xf32>, %dy: tensor<2x3x7x6xf32>) -> tensor<2x3x8x8xf32> {
  // CHECK: cellrt.call "maxpool2d_dx" params [2, 3, 1, 1, 0, 0, 0, 0, 1, 1] ins(%[[X]], %[[DY]] :
  %0 = cell.max_pool2d_grad %x, %dy {kernel = array<i64: 2, 3>} : (tensor<2x3x8x8xf32>, tensor<2x3x7x6xf32>) -> tensor<2x3x8x8xf32>
  return %0 : tensor<2x3x8x8xf32>
}

// CHECK-LABEL: func.func @integer_gradient
func.func @integer_gradient(%x: tensor<2x3x8x8xi32>, %dy: tensor<2x3x7x7xi32>) -> tensor<2x3x8x8xi32> {
  // CHECK: linalg.generic {{.*}} outs(%{{.*}}, %{{.*}} : tensor<2x3x7x7xi32>, tensor<2x3x7x7xi32>)
  // CHECK: linalg.generic {{.*}} outs(%{{.*}} : tensor<2x3x8x8xi32>)
  // CHECK-COUNT-2: tensor.extract
  %0 = cell.max_pool2d_grad %x, %dy {kernel = array<i64: 2, 2>} : (tensor<2x3x8x8xi32>, tensor<2x3x7x7xi32>) -> tensor<2x3x8x8xi32>
  return %0 : tensor<2x3x8x8xi32>
}
