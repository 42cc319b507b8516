// RUN: cell-opt %s --cell-differentiate --cell-simplify | FileCheck %s
// Blocks at a place that all examples share stay blocks; places of each example become rows of one gather or scatter.

func.func private @f(%x: tensor<5x3xf32>, %i: tensor<i64>) -> tensor<2x3xf32> {
  %z = cell.constant dense<0> : tensor<i64>
  %0 = cell.dynamic_slice %x, %i, %z {sizes = array<i64: 2, 3>} : (tensor<5x3xf32>, tensor<i64>, tensor<i64>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}
// CHECK-LABEL: func.func @shared
// CHECK: cell.dynamic_slice %{{.*}} {sizes = array<i64: 8, 2, 3>}
func.func @shared(%x: tensor<8x5x3xf32>, %i: tensor<i64>) -> tensor<8x2x3xf32> {
  %0 = cell.vmap @f(%x, %i) in_axes [0, -1] out_axes [0] size 8 : (tensor<8x5x3xf32>, tensor<i64>) -> tensor<8x2x3xf32>
  return %0 : tensor<8x2x3xf32>
}
// CHECK-LABEL: func.func @each
// CHECK-DAG: cell.constant dense<3> : tensor<8xi64>
// CHECK: cell.gather %{{.*}} {axis = 0 : i64} : (tensor<5x3xf32>, tensor<8x2xi64>) -> tensor<8x2x3xf32>
func.func @each(%x: tensor<5x3xf32>, %i: tensor<8xi64>) -> tensor<8x2x3xf32> {
  %0 = cell.vmap @f(%x, %i) in_axes [-1, 0] out_axes [0] size 8 : (tensor<5x3xf32>, tensor<8xi64>) -> tensor<8x2x3xf32>
  return %0 : tensor<8x2x3xf32>
}
func.func private @u(%x: tensor<5x3xf32>, %u: tensor<1x3xf32>, %i: tensor<i64>) -> tensor<5x3xf32> {
  %z = cell.constant dense<0> : tensor<i64>
  %0 = cell.dynamic_update %x, %u, %i, %z : (tensor<5x3xf32>, tensor<1x3xf32>, tensor<i64>, tensor<i64>) -> tensor<5x3xf32>
  return %0 : tensor<5x3xf32>
}
// CHECK-LABEL: func.func @update
// CHECK: cell.scatter_add %{{.*}} {axis = 0 : i64} : (tensor<40x3xf32>, tensor<8x1xi64>, tensor<8x1x3xf32>) -> tensor<40x3xf32>
// CHECK: cell.select
func.func @update(%x: tensor<8x5x3xf32>, %u: tensor<8x1x3xf32>, %i: tensor<8xi64>) -> tensor<8x5x3xf32> {
  %0 = cell.vmap @u(%x, %u, %i) in_axes [0, 0, 0] out_axes [0] size 8 : (tensor<8x5x3xf32>, tensor<8x1x3xf32>, tensor<8xi64>) -> tensor<8x5x3xf32>
  return %0 : tensor<8x5x3xf32>
}
