// RUN: cell-opt %s --cell-differentiate | FileCheck %s
// A derivative inside of a batched function is written out first, so that what examples share is computed once; where examples go different ways, it is
// the derivative of the batched function.

func.func private @plain(%x: tensor<4xf32>, %w: tensor<4xf32>) -> tensor<4xf32> {
  %0 = cell.mul %x, %w : tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func private @grad_plain(%x: tensor<4xf32>, %w: tensor<4xf32>) -> tensor<4xf32> {
  %0:2 = cell.value_and_grad @plain(%x, %w) wrt [1] outputs [0] : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %0#1 : tensor<4xf32>
}
func.func private @ways(%c: tensor<i1>, %x: tensor<4xf32>) -> tensor<4xf32> {
  %i = tensor.extract %c[] : tensor<i1>
  %0 = scf.if %i -> tensor<4xf32> {
    %1 = cell.exp %x : tensor<4xf32>
    scf.yield %1 : tensor<4xf32>
  } else {
    scf.yield %x : tensor<4xf32>
  }
  return %0 : tensor<4xf32>
}
func.func private @grad_ways(%c: tensor<i1>, %x: tensor<4xf32>) -> tensor<4xf32> {
  %0:2 = cell.value_and_grad @ways(%c, %x) wrt [1] outputs [0] : (tensor<i1>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %0#1 : tensor<4xf32>
}
// CHECK-DAG: func.func private @plain.reverse.batched
// CHECK-DAG: func.func private @ways.batched.reverse
// CHECK-LABEL: func.func @main
func.func @main(%x: tensor<8x4xf32>, %w: tensor<4xf32>, %c: tensor<8xi1>) -> (tensor<8x4xf32>, tensor<8x4xf32>) {
  %0 = cell.vmap @grad_plain(%x, %w) in_axes [0, -1] out_axes [0] size 8 : (tensor<8x4xf32>, tensor<4xf32>) -> tensor<8x4xf32>
  %1 = cell.vmap @grad_ways(%c, %w) in_axes [0, -1] out_axes [0] size 8 : (tensor<8xi1>, tensor<4xf32>) -> tensor<8x4xf32>
  return %0, %1 : tensor<8x4xf32>, tensor<8x4xf32>
}
