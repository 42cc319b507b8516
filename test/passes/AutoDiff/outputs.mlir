// RUN: cell-opt %s --cell-differentiate --canonicalize | FileCheck %s
// Only results listed in `outputs` pass a derivative; an argument that they do not depend on gets zeros.

func.func private @f(%x: tensor<4xf32>, %y: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0 = cell.exp %x : tensor<4xf32>
  %1 = cell.exp %y : tensor<4xf32>
  return %0, %1 : tensor<4xf32>, tensor<4xf32>
}
func.func @main(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  %r:4 = cell.value_and_grad @f(%x, %y) wrt [0, 1] outputs [0] : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  return %r#3 : tensor<4xf32>
}
// CHECK-LABEL: func.func @main
// CHECK: %[[ZERO:.*]] = cell.constant dense<0.000000e+00> : tensor<4xf32>
// CHECK: return %[[ZERO]]
