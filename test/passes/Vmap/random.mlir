// RUN: cell-opt %s --cell-differentiate --cell-simplify | FileCheck %s
// Examples that share a key share the numbers, unless the request says `own_random`; several keys draw one after another.

func.func private @f(%x: tensor<3xf32>, %key: tensor<2xi64>) -> tensor<3xf32> {
  %0 = cell.random_uniform %key {shape = array<i64: 3>, dtype = f32} : (tensor<2xi64>) -> tensor<3xf32>
  %1 = cell.add %x, %0 : tensor<3xf32>
  return %1 : tensor<3xf32>
}
// CHECK-LABEL: func.func @same
// CHECK: cell.random_uniform %{{.*}} -> tensor<3xf32>
// CHECK: cell.broadcast
func.func @same(%x: tensor<8x3xf32>, %key: tensor<2xi64>) -> tensor<8x3xf32> {
  %0 = cell.vmap @f(%x, %key) in_axes [0, -1] out_axes [0] size 8 : (tensor<8x3xf32>, tensor<2xi64>) -> tensor<8x3xf32>
  return %0 : tensor<8x3xf32>
}
// CHECK-LABEL: func.func @own
// CHECK: cell.random_uniform %{{.*}} -> tensor<8x3xf32>
func.func @own(%x: tensor<8x3xf32>, %key: tensor<2xi64>) -> tensor<8x3xf32> {
  %0 = cell.vmap @f(%x, %key) in_axes [0, -1] out_axes [0] size 8 {own_random} : (tensor<8x3xf32>, tensor<2xi64>) -> tensor<8x3xf32>
  return %0 : tensor<8x3xf32>
}
// CHECK-LABEL: func.func @keys
// CHECK: scf.for
// CHECK: cell.random_uniform %{{.*}} -> tensor<3xf32>
func.func @keys(%x: tensor<3xf32>, %key: tensor<8x2xi64>) -> tensor<8x3xf32> {
  %0 = cell.vmap @f(%x, %key) in_axes [-1, 0] out_axes [0] size 8 : (tensor<3xf32>, tensor<8x2xi64>) -> tensor<8x3xf32>
  return %0 : tensor<8x3xf32>
}
