// RUN: cell-opt %s --cell-differentiate-pipeline --cell-simplify | FileCheck %s

func.func private @f(%x: tensor<4xf32>, %key: tensor<2xi64>) -> tensor<4xf32> {
  %0 = cell.dropout %x, %key {p = 0.25, stream = 3} : (tensor<4xf32>, tensor<2xi64>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
// The derivative draws the same numbers again and needs nothing of the forward computation.
// CHECK-LABEL: func.func @dropout(
// CHECK-SAME: %{{[^:]*}}: tensor<4xf32>, %[[KEY:[^:]*]]: tensor<2xi64>, %[[CT:[^:]*]]: tensor<4xf32>
func.func @dropout(%x: tensor<4xf32>, %key: tensor<2xi64>, %ct: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK-NEXT: %[[DX:.*]] = cell.dropout %[[CT]], %[[KEY]] {p = 2.500000e-01 : f64, stream = 3 : i64}
  // CHECK-NEXT: return %[[DX]]
  %v, %dx = cell.vjp @f(%x, %key) cotangents(%ct) wrt [0] outputs [0] : (tensor<4xf32>, tensor<2xi64>), (tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %dx : tensor<4xf32>
}
