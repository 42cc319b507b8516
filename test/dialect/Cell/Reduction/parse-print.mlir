// RUN: cell-opt %s | cell-opt | FileCheck %s

// CHECK-LABEL: func.func @reductions
func.func @reductions(%x: tensor<2x3xf32>, %d: tensor<?x3xi32>, %c: tensor<2x3xi1>) {
  // CHECK: cell.reduce_max %{{.*}} {axes = array<i64: 0, 1>, keepdims = false} : (tensor<2x3xf32>) -> tensor<f32>
  %0 = cell.reduce_max %x {axes = array<i64: 0, 1>, keepdims = false} : (tensor<2x3xf32>) -> tensor<f32>
  // CHECK: cell.reduce_prod %{{.*}} {axes = array<i64: 1>, keepdims = true} : (tensor<?x3xi32>) -> tensor<?x1xi32>
  %1 = cell.reduce_prod %d {axes = array<i64: 1>, keepdims = true} : (tensor<?x3xi32>) -> tensor<?x1xi32>
  // CHECK: cell.reduce_any {{.*}} : (tensor<2x3xi1>) -> tensor<3xi1>
  %2 = cell.reduce_any %c {axes = array<i64: 0>, keepdims = false} : (tensor<2x3xi1>) -> tensor<3xi1>
  // CHECK: cell.argmax %{{.*}} {axis = 1 : i64, keepdims = true} : (tensor<2x3xi1>) -> tensor<2x1xi64>
  %3 = cell.argmax %c {axis = 1 : i64, keepdims = true} : (tensor<2x3xi1>) -> tensor<2x1xi64>
  // CHECK: cell.cumsum %{{.*}} {axis = 0 : i64, exclusive = true, reverse = false} : (tensor<?x3xi32>) -> tensor<?x3xi32>
  %4 = cell.cumsum %d {axis = 0 : i64, exclusive = true, reverse = false} : (tensor<?x3xi32>) -> tensor<?x3xi32>
  return
}
