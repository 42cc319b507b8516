// RUN: cell-opt %s --cell-differentiate --cell-simplify | FileCheck %s
// A batch of no examples computes nothing, and the gradient of what its examples share is 0.

func.func private @conv(%x: tensor<2x3x5x5xf32>, %w: tensor<6x3x2x2xf32>) -> tensor<2x6x4x4xf32> {
  %0 = cell.conv2d %x, %w : (tensor<2x3x5x5xf32>, tensor<6x3x2x2xf32>) -> tensor<2x6x4x4xf32>
  return %0 : tensor<2x6x4x4xf32>
}
func.func private @all(%x: tensor<0x2x3x5x5xf32>, %w: tensor<6x3x2x2xf32>) -> tensor<0x2x6x4x4xf32> {
  %0 = cell.vmap @conv(%x, %w) in_axes [0, -1] out_axes [0] size 0 : (tensor<0x2x3x5x5xf32>, tensor<6x3x2x2xf32>) -> tensor<0x2x6x4x4xf32>
  return %0 : tensor<0x2x6x4x4xf32>
}
// CHECK-LABEL: func.func @main
// CHECK-DAG: cell.constant dense<0.000000e+00> : tensor<6x3x2x2xf32>
// CHECK-DAG: tensor<0x2x6x4x4xf32>
// CHECK-NOT: cell.conv2d
func.func @main(%x: tensor<0x2x3x5x5xf32>, %w: tensor<6x3x2x2xf32>) -> (tensor<0x2x6x4x4xf32>, tensor<6x3x2x2xf32>) {
  %0:2 = cell.value_and_grad @all(%x, %w) wrt [1] outputs [0] : (tensor<0x2x3x5x5xf32>, tensor<6x3x2x2xf32>) -> (tensor<0x2x6x4x4xf32>, tensor<6x3x2x2xf32>)
  return %0#0, %0#1 : tensor<0x2x6x4x4xf32>, tensor<6x3x2x2xf32>
}
