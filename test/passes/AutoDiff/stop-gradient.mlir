// RUN: cell-opt %s --cell-differentiate --cell-simplify | FileCheck %s

func.func private @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = cell.exp %x : tensor<4xf32>
  %1 = cell.stop_gradient %0 : (tensor<4xf32>) -> tensor<4xf32>
  %2 = cell.mul %1, %x : tensor<4xf32>
  return %2 : tensor<4xf32>
}
// CHECK-LABEL: func.func @main
// CHECK: %[[E:.*]] = cell.exp
// CHECK: %[[S:.*]] = cell.stop_gradient %[[E]]
// CHECK-NEXT: return %[[S]]
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %v, %g = cell.value_and_grad @f(%x) wrt [0] outputs [0] : (tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %g : tensor<4xf32>
}
