// RUN: cell-opt %s --cell-differentiate --cell-simplify | FileCheck %s
// A composite op stays whole where an axis can move; batch_norm, whose axes cannot, is taken apart.

func.func private @soft(%x: tensor<3x4xf32>) -> tensor<3x4xf32> {
  %0 = cell.softmax %x {axis = 1 : i64} : (tensor<3x4xf32>) -> tensor<3x4xf32>
  return %0 : tensor<3x4xf32>
}
// CHECK-LABEL: func.func @softmax
// CHECK-NEXT: cell.softmax %{{.*}} {axis = 2 : i64} : (tensor<8x3x4xf32>)
func.func @softmax(%x: tensor<8x3x4xf32>) -> tensor<8x3x4xf32> {
  %0 = cell.vmap @soft(%x) in_axes [0] out_axes [0] size 8 : (tensor<8x3x4xf32>) -> tensor<8x3x4xf32>
  return %0 : tensor<8x3x4xf32>
}
func.func private @bn(%x: tensor<3x4xf32>, %g: tensor<4xf32>) -> tensor<3x4xf32> {
  %0:3 = cell.batch_norm %x, %g, %g {axis = 1 : i64, epsilon = 1.0e-5 : f64} : (tensor<3x4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<3x4xf32>, tensor<4xf32>, tensor<4xf32>)
  return %0#0 : tensor<3x4xf32>
}
// CHECK-LABEL: func.func @norm
// CHECK-NOT: cell.batch_norm
// CHECK: cell.reduce_{{.*}} {axes = array<i64: 1>
func.func @norm(%x: tensor<8x3x4xf32>, %g: tensor<4xf32>) -> tensor<8x3x4xf32> {
  %0 = cell.vmap @bn(%x, %g) in_axes [0, -1] out_axes [0] size 8 : (tensor<8x3x4xf32>, tensor<4xf32>) -> tensor<8x3x4xf32>
  return %0 : tensor<8x3x4xf32>
}
