// RUN: cell-opt %s --cell-differentiate | FileCheck %s
// Nothing is computed for inputs that are not differentiated: only the cotangent of %x appears.

func.func private @f(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  %0 = cell.mul %x, %y : tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func @main(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  %v, %g = cell.value_and_grad @f(%x, %y) wrt [0] outputs [0] : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %g : tensor<4xf32>
}
// CHECK-LABEL: func.func private @f.reverse
// CHECK-SAME: (%[[Y:.*]]: tensor<4xf32>, %[[CT:.*]]: tensor<4xf32>) -> tensor<4xf32>
// CHECK-NEXT: %[[G:.*]] = cell.mul %[[CT]], %[[Y]]
// CHECK-NEXT: return %[[G]]
