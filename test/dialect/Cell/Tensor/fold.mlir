// RUN: cell-opt %s --canonicalize --split-input-file | FileCheck %s

// CHECK-LABEL: func.func @nothing_moves
// CHECK-SAME: %[[X:.*]]: tensor<2x3xf32>
// CHECK-NEXT: return %[[X]]
func.func @nothing_moves(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = cell.transpose %x {permutation = array<i64: 0, 1>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %1 = cell.slice %0 {starts = array<i64: 0, 0>, limits = array<i64: 2, -1>, strides = array<i64: 1, 1>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %2 = cell.pad %1 {low = array<i64: 0, 0>, high = array<i64: 0, 0>, interior = array<i64: 0, 0>, value = 1.0 : f64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %3 = cell.concat %2 {axis = 1 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %4 = cell.reverse %3 {axes = array<i64>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %4 : tensor<2x3xf32>
}

// -----

// CHECK-LABEL: func.func @inverse
// CHECK-SAME: %[[X:.*]]: tensor<2x3x4xf32>
// CHECK-NEXT: return %[[X]]
func.func @inverse(%x: tensor<2x3x4xf32>) -> tensor<2x3x4xf32> {
  %0 = cell.transpose %x {permutation = array<i64: 2, 0, 1>} : (tensor<2x3x4xf32>) -> tensor<4x2x3xf32>
  %1 = cell.transpose %0 {permutation = array<i64: 1, 2, 0>} : (tensor<4x2x3xf32>) -> tensor<2x3x4xf32>
  %2 = cell.reverse %1 {axes = array<i64: 1>} : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  %3 = cell.reverse %2 {axes = array<i64: 1>} : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  return %3 : tensor<2x3x4xf32>
}

// -----

// CHECK-LABEL: func.func @compose
// CHECK: cell.transpose %{{.*}} {permutation = array<i64: 1, 2, 0>}
// CHECK-NOT: cell.transpose
func.func @compose(%x: tensor<2x3x4xf32>) -> tensor<3x4x2xf32> {
  %0 = cell.transpose %x {permutation = array<i64: 2, 0, 1>} : (tensor<2x3x4xf32>) -> tensor<4x2x3xf32>
  %1 = cell.transpose %0 {permutation = array<i64: 2, 0, 1>} : (tensor<4x2x3xf32>) -> tensor<3x4x2xf32>
  return %1 : tensor<3x4x2xf32>
}

// -----

// A slice of part of a dynamic dimension has the operand's type and is not the operand.
// CHECK-LABEL: func.func @dynamic
// CHECK: cell.slice
func.func @dynamic(%x: tensor<?xf32>) -> tensor<?xf32> {
  %0 = cell.slice %x {starts = array<i64: 1>, limits = array<i64: -1>, strides = array<i64: 1>} : (tensor<?xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

// CHECK-LABEL: func.func @splat
// CHECK-NEXT: %[[C:.*]] = cell.constant dense<2.0{{.*}}> : tensor<2x2xf32>
// CHECK-NEXT: return %[[C]]
func.func @splat() -> tensor<2x2xf32> {
  %c = cell.constant dense<2.0> : tensor<2x3xf32>
  %0 = cell.transpose %c {permutation = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
  %1 = cell.reverse %0 {axes = array<i64: 0>} : (tensor<3x2xf32>) -> tensor<3x2xf32>
  %2 = cell.slice %1 {starts = array<i64: 0, 0>, limits = array<i64: 2, 2>, strides = array<i64: 1, 1>} : (tensor<3x2xf32>) -> tensor<2x2xf32>
  return %2 : tensor<2x2xf32>
}
