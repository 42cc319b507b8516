// RUN: cell-opt %s --cell-differentiate | FileCheck %s
// A function that is called twice with the same activity has one forward-mode derivative.

func.func private @layer(%x: tensor<4xf32>, %w: tensor<4xf32>) -> tensor<4xf32> {
  %0 = cell.mul %x, %w : tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func private @f(%x: tensor<4xf32>, %w: tensor<4xf32>) -> tensor<4xf32> {
  %0 = call @layer(%x, %w) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %1 = call @layer(%0, %w) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}
func.func @main(%x: tensor<4xf32>, %w: tensor<4xf32>) -> tensor<4xf32> {
  %r:2 = cell.jvp @f(%x, %w) tangents(%w) wrt [0] outputs [0] : (tensor<4xf32>, tensor<4xf32>), (tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %r#1 : tensor<4xf32>
}
// CHECK-COUNT-1: func.func private @layer.jvp
// CHECK-NOT: func.func private @layer
// CHECK-LABEL: func.func private @f.jvp
// CHECK-COUNT-2: call @layer.jvp
