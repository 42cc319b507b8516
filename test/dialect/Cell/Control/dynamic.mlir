// RUN: cell-opt %s --canonicalize -split-input-file | FileCheck %s

// A constant place is clamped, so that the block lies inside.
// CHECK-LABEL: @constant_place
func.func @constant_place(%a: tensor<2x3xf32>) -> tensor<1x2xf32> {
  %i = cell.constant dense<7> : tensor<i64>
  // CHECK: cell.slice %{{.*}} {limits = array<i64: 2, 3>, starts = array<i64: 1, 1>, strides = array<i64: 1, 1>}
  %r = cell.dynamic_slice %a, %i, %i {sizes = array<i64: 1, 2>} : (tensor<2x3xf32>, tensor<i64>, tensor<i64>) -> tensor<1x2xf32>
  return %r : tensor<1x2xf32>
}

// -----

// CHECK-LABEL: @add_of_a_block(
// CHECK-SAME: %[[A:[a-z0-9]+]]: tensor<9x3xf32>, %[[U:[a-z0-9]+]]: tensor<1x3xf32>
func.func @add_of_a_block(%a: tensor<9x3xf32>, %u: tensor<1x3xf32>, %i: tensor<i64>) -> tensor<9x3xf32> {
  %z = cell.constant dense<0.0> : tensor<9x3xf32>
  %zero = cell.constant dense<0> : tensor<i64>
  %d = cell.dynamic_update %z, %u, %i, %zero : (tensor<9x3xf32>, tensor<1x3xf32>, tensor<i64>, tensor<i64>) -> tensor<9x3xf32>
  // CHECK: %[[S:.*]] = cell.dynamic_slice %[[A]]
  // CHECK: %[[N:.*]] = cell.add %[[S]], %[[U]] : tensor<1x3xf32>
  // CHECK: cell.dynamic_update %[[A]], %[[N]]
  %r = cell.add %a, %d : tensor<9x3xf32>
  return %r : tensor<9x3xf32>
}

// What was just written is what is read; what is written over unseen is not written; what is there is not written again.
// CHECK-LABEL: func @same_place
// CHECK-NOT: cell.dynamic_slice
// CHECK: %[[B:.*]] = cell.dynamic_update %arg0, %arg2, %arg3, %arg4
// CHECK-NOT: cell.dynamic_update
// CHECK: return %arg1, %[[B]], %arg0
func.func @same_place(%x: tensor<4x3xf32>, %u: tensor<1x3xf32>, %v: tensor<1x3xf32>, %i: tensor<i64>, %j: tensor<i64>) -> (tensor<1x3xf32>, tensor<4x3xf32>, tensor<4x3xf32>) {
  %a = cell.dynamic_update %x, %u, %i, %j : (tensor<4x3xf32>, tensor<1x3xf32>, tensor<i64>, tensor<i64>) -> tensor<4x3xf32>
  %r = cell.dynamic_slice %a, %i, %i {sizes = array<i64: 1, 3>} : (tensor<4x3xf32>, tensor<i64>, tensor<i64>) -> tensor<1x3xf32>
  %b = cell.dynamic_update %a, %v, %i, %j : (tensor<4x3xf32>, tensor<1x3xf32>, tensor<i64>, tensor<i64>) -> tensor<4x3xf32>
  %s = cell.dynamic_slice %x, %i, %j {sizes = array<i64: 1, 3>} : (tensor<4x3xf32>, tensor<i64>, tensor<i64>) -> tensor<1x3xf32>
  %c = cell.dynamic_update %x, %s, %i, %j : (tensor<4x3xf32>, tensor<1x3xf32>, tensor<i64>, tensor<i64>) -> tensor<4x3xf32>
  return %r, %b, %c : tensor<1x3xf32>, tensor<4x3xf32>, tensor<4x3xf32>
}
