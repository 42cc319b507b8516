// RUN: cell-opt %s --cell-differentiate --cell-simplify | FileCheck %s
// Indices and operand batched: one gather of rows of all examples; what was out of range stays so.

func.func private @f(%x: tensor<5x3xf32>, %i: tensor<2xi32>) -> tensor<2x3xf32> {
  %0 = cell.gather %x, %i {axis = 0 : i64} : (tensor<5x3xf32>, tensor<2xi32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}
// CHECK-LABEL: func.func @both
// CHECK-DAG: %[[OUT:.*]] = cell.constant dense<40> : tensor<8x2xi64>
// CHECK: %[[PLACES:.*]] = cell.select %{{.*}}, %{{.*}}, %[[OUT]]
// CHECK: cell.gather %{{.*}}, %[[PLACES]] {axis = 0 : i64} : (tensor<40x3xf32>, tensor<8x2xi64>) -> tensor<8x2x3xf32>
func.func @both(%x: tensor<8x5x3xf32>, %i: tensor<8x2xi32>) -> tensor<8x2x3xf32> {
  %0 = cell.vmap @f(%x, %i) in_axes [0, 0] out_axes [0] size 8 : (tensor<8x5x3xf32>, tensor<8x2xi32>) -> tensor<8x2x3xf32>
  return %0 : tensor<8x2x3xf32>
}
// CHECK-LABEL: func.func @indices
// CHECK-NEXT: cell.gather %{{.*}} {axis = 0 : i64} : (tensor<5x3xf32>, tensor<8x2xi32>) -> tensor<8x2x3xf32>
func.func @indices(%x: tensor<5x3xf32>, %i: tensor<8x2xi32>) -> tensor<8x2x3xf32> {
  %0 = cell.vmap @f(%x, %i) in_axes [-1, 0] out_axes [0] size 8 : (tensor<5x3xf32>, tensor<8x2xi32>) -> tensor<8x2x3xf32>
  return %0 : tensor<8x2x3xf32>
}
// CHECK-LABEL: func.func @operand
// CHECK-NEXT: cell.gather %{{.*}} {axis = 1 : i64} : (tensor<8x5x3xf32>, tensor<2xi32>) -> tensor<8x2x3xf32>
func.func @operand(%x: tensor<8x5x3xf32>, %i: tensor<2xi32>) -> tensor<8x2x3xf32> {
  %0 = cell.vmap @f(%x, %i) in_axes [0, -1] out_axes [0] size 8 : (tensor<8x5x3xf32>, tensor<2xi32>) -> tensor<8x2x3xf32>
  return %0 : tensor<8x2x3xf32>
}
