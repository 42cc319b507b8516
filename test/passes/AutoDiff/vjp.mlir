// RUN: cell-opt %s --cell-differentiate --cell-simplify | FileCheck %s
// A given cotangent in place of ones; gradients in the order of wrt.

func.func private @f(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  %0 = cell.mul %x, %y : tensor<4xf32>
  return %0 : tensor<4xf32>
}
// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[X:.*]]: tensor<4xf32>, %[[Y:.*]]: tensor<4xf32>, %[[CT:.*]]: tensor<4xf32>)
// CHECK-DAG: %[[GX:.*]] = cell.mul %[[CT]], %[[Y]]
// CHECK-DAG: %[[GY:.*]] = cell.mul %[[CT]], %[[X]]
// CHECK: return %[[GY]], %[[GX]]
func.func @main(%x: tensor<4xf32>, %y: tensor<4xf32>, %ct: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %v, %gy, %gx = cell.vjp @f(%x, %y) cotangents(%ct) wrt [1, 0] outputs [0]
    : (tensor<4xf32>, tensor<4xf32>), (tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  return %gy, %gx : tensor<4xf32>, tensor<4xf32>
}
