// RUN: cell-opt %s --canonicalize | FileCheck %s

// CHECK-LABEL: func.func @keep_all(
// CHECK-SAME: %[[X:[^:]*]]: tensor<4xf32>
func.func @keep_all(%x: tensor<4xf32>, %key: tensor<2xi64>) -> tensor<4xf32> {
  // CHECK-NEXT: return %[[X]]
  %0 = cell.dropout %x, %key {p = 0.0} : (tensor<4xf32>, tensor<2xi64>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: func.func @certain
func.func @certain(%key: tensor<2xi64>) -> (tensor<4xi1>, tensor<4xi1>) {
  // CHECK-DAG: %[[NO:.*]] = cell.constant dense<false>
  // CHECK-DAG: %[[YES:.*]] = cell.constant dense<true>
  // CHECK: return %[[NO]], %[[YES]]
  %0 = cell.bernoulli %key {p = 0.0, shape = array<i64: 4>} : (tensor<2xi64>) -> tensor<4xi1>
  %1 = cell.bernoulli %key {p = 1.0, shape = array<i64: 4>} : (tensor<2xi64>) -> tensor<4xi1>
  return %0, %1 : tensor<4xi1>, tensor<4xi1>
}
