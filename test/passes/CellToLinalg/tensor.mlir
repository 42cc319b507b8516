// RUN: cell-opt %s --convert-cell-to-linalg --canonicalize --split-input-file | FileCheck %s

// CHECK-DAG: #[[$COL:.*]] = affine_map<(d0, d1) -> (d0)>
// CHECK-DAG: #[[$ROW:.*]] = affine_map<(d0, d1) -> (d1)>
// CHECK-DAG: #[[$UNIT:.*]] = affine_map<(d0, d1) -> (d0, 0)>
// A reshape that adds dimensions of size 1 goes into the map.
// CHECK-LABEL: func.func @broadcast
// CHECK-NOT: expand_shape
func.func @broadcast(%v: tensor<3xf32>, %w: tensor<2xf32>, %u: tensor<2x1xf32>) -> (tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>) {
  // CHECK: linalg.generic {indexing_maps = [#[[$ROW]], #{{.*}}]
  %0 = cell.broadcast %v {shape = array<i64: 2, 3>} : (tensor<3xf32>) -> tensor<2x3xf32>
  %1 = cell.reshape %w {shape = array<i64: 2, 1>} : (tensor<2xf32>) -> tensor<2x1xf32>
  // CHECK: linalg.generic {indexing_maps = [#[[$COL]], #{{.*}}]
  %2 = cell.broadcast %1 {shape = array<i64: 2, 3>} : (tensor<2x1xf32>) -> tensor<2x3xf32>
  // CHECK: linalg.generic {indexing_maps = [#[[$UNIT]], #{{.*}}]
  %3 = cell.broadcast %u {shape = array<i64: 2, 3>} : (tensor<2x1xf32>) -> tensor<2x3xf32>
  return %0, %2, %3 : tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>
}

// -----

// CHECK-LABEL: func.func @reshape
func.func @reshape(%x: tensor<2x3x4xf32>, %s: tensor<f32>) -> (tensor<6x2x2xf32>, tensor<1x1xf32>) {
  // CHECK: tensor.collapse_shape %{{.*}} {{\[}}[0, 1], [2]] : tensor<2x3x4xf32> into tensor<6x4xf32>
  // CHECK: tensor.expand_shape %{{.*}} {{\[}}[0], [1, 2]] output_shape [6, 2, 2] : tensor<6x4xf32> into tensor<6x2x2xf32>
  %0 = cell.reshape %x {shape = array<i64: 6, 2, 2>} : (tensor<2x3x4xf32>) -> tensor<6x2x2xf32>
  // CHECK: tensor.expand_shape %{{.*}} [] output_shape [1, 1] : tensor<f32> into tensor<1x1xf32>
  %1 = cell.reshape %s {shape = array<i64: 1, 1>} : (tensor<f32>) -> tensor<1x1xf32>
  return %0, %1 : tensor<6x2x2xf32>, tensor<1x1xf32>
}

// -----

// CHECK-DAG: #[[$SWAP:.*]] = affine_map<(d0, d1) -> (d1, d0)>
// CHECK-LABEL: func.func @transpose
func.func @transpose(%x: tensor<2x3xf32>, %u: tensor<2x1x3xf32>) -> (tensor<3x2xf32>, tensor<1x2x3xf32>) {
  // CHECK: linalg.generic {indexing_maps = [#[[$SWAP]], #{{.*}}]
  %0 = cell.transpose %x {permutation = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
  // Only a dimension of size 1 moves: nothing does in memory.
  // CHECK-NOT: linalg.generic
  // CHECK: tensor.expand_shape
  %1 = cell.transpose %u {permutation = array<i64: 1, 0, 2>} : (tensor<2x1x3xf32>) -> tensor<1x2x3xf32>
  return %0, %1 : tensor<3x2xf32>, tensor<1x2x3xf32>
}

// -----

// CHECK-LABEL: func.func @parts
// CHECK-SAME: %[[X:.*]]: tensor<2x3xf32>, %[[D:.*]]: tensor<?xf32>
func.func @parts(%x: tensor<2x3xf32>, %d: tensor<?xf32>) -> (tensor<2x2xf32>, tensor<3x7xf32>, tensor<4x3xf32>, tensor<?xf32>) {
  // CHECK: tensor.extract_slice %[[X]][0, 0] [2, 2] [1, 2] : tensor<2x3xf32> to tensor<2x2xf32>
  %0 = cell.slice %x {starts = array<i64: 0, 0>, limits = array<i64: 2, 3>, strides = array<i64: 1, 2>} : (tensor<2x3xf32>) -> tensor<2x2xf32>
  // CHECK: linalg.fill
  // CHECK: tensor.insert_slice %[[X]] into %{{.*}}[1, 0] [2, 3] [1, 2] : tensor<2x3xf32> into tensor<3x7xf32>
  %1 = cell.pad %x {low = array<i64: 1, 0>, high = array<i64: 0, 2>, interior = array<i64: 0, 1>, value = 0.0 : f64} : (tensor<2x3xf32>) -> tensor<3x7xf32>
  // CHECK: tensor.insert_slice %[[X]] into %{{.*}}[0, 0] [2, 3] [1, 1]
  // CHECK: tensor.insert_slice %[[X]] into %{{.*}}[2, 0] [2, 3] [1, 1]
  %2 = cell.concat %x, %x {axis = 0 : i64} : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<4x3xf32>
  // CHECK: tensor.extract_slice %[[D]][1] [%{{.*}}] [2]
  %3 = cell.slice %d {starts = array<i64: 1>, limits = array<i64: -1>, strides = array<i64: 2>} : (tensor<?xf32>) -> tensor<?xf32>
  return %0, %1, %2, %3 : tensor<2x2xf32>, tensor<3x7xf32>, tensor<4x3xf32>, tensor<?xf32>
}
