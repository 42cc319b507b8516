// RUN: cell-opt %s --cell-differentiate | FileCheck %s
// Constants and broadcasts are made again in the reverse half; only the small operand is an argument.

func.func private @f(%x: tensor<8x4xf32>, %b: tensor<4xf32>) -> tensor<8x4xf32> {
  %0 = cell.broadcast %b {shape = array<i64: 8, 4>} : (tensor<4xf32>) -> tensor<8x4xf32>
  %1 = cell.mul %x, %0 : tensor<8x4xf32>
  return %1 : tensor<8x4xf32>
}
// CHECK-LABEL: func.func private @f.forward
// CHECK: return %{{.*}} : tensor<8x4xf32>
// CHECK-LABEL: func.func private @f.reverse
// CHECK-SAME: (%[[B:.*]]: tensor<4xf32>, %[[CT:.*]]: tensor<8x4xf32>)
// CHECK: cell.broadcast %[[B]]
func.func @main(%x: tensor<8x4xf32>, %b: tensor<4xf32>) -> tensor<8x4xf32> {
  %v, %g = cell.value_and_grad @f(%x, %b) wrt [0] outputs [0] : (tensor<8x4xf32>, tensor<4xf32>) -> (tensor<8x4xf32>, tensor<8x4xf32>)
  return %g : tensor<8x4xf32>
}
