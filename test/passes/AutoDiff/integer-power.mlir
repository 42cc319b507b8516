// RUN: cell-opt %s --cell-differentiate | FileCheck %s
// The logarithm in the rule of pow takes floats: integers are converted there and back.

func.func private @f(%x: tensor<4xi32>, %y: tensor<4xi32>) -> tensor<4xi32> {
  %0 = cell.pow %x, %y : tensor<4xi32>
  return %0 : tensor<4xi32>
}
// CHECK-LABEL: func.func private @f.reverse
// CHECK: %[[W:.*]] = cell.cast %{{.*}} {dtype = f64} : (tensor<4xi32>) -> tensor<4xf64>
// CHECK: %[[L:.*]] = cell.log %[[W]] : tensor<4xf64>
// CHECK: cell.cast %[[L]] {dtype = i32} : (tensor<4xf64>) -> tensor<4xi32>
func.func @main(%x: tensor<4xi32>, %y: tensor<4xi32>) -> tensor<4xi32> {
  %v, %g = cell.value_and_grad @f(%x, %y) wrt [1] outputs [0] : (tensor<4xi32>, tensor<4xi32>) -> (tensor<4xi32>, tensor<4xi32>)
  return %g : tensor<4xi32>
}
