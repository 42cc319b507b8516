// RUN: cell-opt %s --cell-differentiate | FileCheck %s
// A function that is called twice with the same activity is differentiated once.

func.func private @layer(%x: tensor<4xf32>, %w: tensor<4xf32>) -> tensor<4xf32> {
  %0 = cell.mul %x, %w : tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func private @f(%x: tensor<4xf32>, %w: tensor<4xf32>) -> tensor<4xf32> {
  %0 = call @layer(%x, %w) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %1 = call @layer(%0, %w) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}
func.func @main(%x: tensor<4xf32>, %w: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %r:3 = cell.value_and_grad @f(%x, %w) wrt [0, 1] outputs [0] : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  return %r#0, %r#1, %r#2 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}
// CHECK-COUNT-1: func.func private @layer.forward
// CHECK-COUNT-1: func.func private @layer.reverse
// CHECK-NOT: func.func private @layer
// CHECK-LABEL: func.func private @f.reverse
// CHECK-COUNT-2: call @layer.reverse
