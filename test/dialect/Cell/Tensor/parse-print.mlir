// RUN: cell-opt %s | cell-opt | FileCheck %s

// CHECK-LABEL: func.func @moves
func.func @moves(%a: tensor<2x3xf32>, %d: tensor<?x3xf32>) {
  // CHECK: cell.transpose %{{.*}} {permutation = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
  %0 = cell.transpose %a {permutation = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
  // CHECK: cell.reverse %{{.*}} {axes = array<i64: 0>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %1 = cell.reverse %a {axes = array<i64: 0>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: cell.concat %{{.*}}, %{{.*}} {axis = 0 : i64} : (tensor<2x3xf32>, tensor<?x3xf32>) -> tensor<?x3xf32>
  %2 = cell.concat %a, %d {axis = 0 : i64} : (tensor<2x3xf32>, tensor<?x3xf32>) -> tensor<?x3xf32>
  return
}

// CHECK-LABEL: func.func @parts
func.func @parts(%a: tensor<2x3xf32>, %d: tensor<?x3xf32>) {
  // CHECK: cell.slice %{{.*}} {limits = array<i64: 2, 3>, starts = array<i64: 1, 0>, strides = array<i64: 1, 2>} : (tensor<2x3xf32>) -> tensor<1x2xf32>
  %0 = cell.slice %a {starts = array<i64: 1, 0>, limits = array<i64: 2, 3>, strides = array<i64: 1, 2>} : (tensor<2x3xf32>) -> tensor<1x2xf32>
  // The limit -1 is the end.
  // CHECK: cell.slice {{.*}} -> tensor<?x2xf32>
  %1 = cell.slice %d {starts = array<i64: 1, 1>, limits = array<i64: -1, -1>, strides = array<i64: 2, 1>} : (tensor<?x3xf32>) -> tensor<?x2xf32>
  // CHECK: cell.pad {{.*}} (tensor<2x3xf32>) -> tensor<3x7xf32>
  %2 = cell.pad %a {low = array<i64: 1, 0>, high = array<i64: 0, 2>, interior = array<i64: 0, 1>, value = 0.0 : f64} : (tensor<2x3xf32>) -> tensor<3x7xf32>
  return
}
