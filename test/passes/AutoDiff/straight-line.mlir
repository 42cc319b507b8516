// RUN: cell-opt %s --cell-differentiate | FileCheck %s
// Reverse mode over straight-line code: the forward half saves what the reverse half needs, here nothing but its own result.

func.func private @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = cell.exp %x : tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func @main(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %v, %g = cell.value_and_grad @f(%x) wrt [0] outputs [0] : (tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %v, %g : tensor<4xf32>, tensor<4xf32>
}
// CHECK-LABEL: func.func private @f.forward(
// CHECK: %[[E:.*]] = cell.exp
// CHECK: return %[[E]] : tensor<4xf32>
// CHECK-LABEL: func.func private @f.reverse(
// CHECK-SAME: %[[R:.*]]: tensor<4xf32>, %[[CT:.*]]: tensor<4xf32>) -> tensor<4xf32>
// CHECK: %[[G:.*]] = cell.mul %[[CT]], %[[R]]
// CHECK: return %[[G]]
// CHECK-LABEL: func.func @main
// CHECK: %[[V:.*]] = call @f.forward
// CHECK: %[[ONE:.*]] = cell.constant dense<1.000000e+00>
// CHECK: %[[D:.*]] = call @f.reverse(%[[V]], %[[ONE]])
// CHECK: return %[[V]], %[[D]]
