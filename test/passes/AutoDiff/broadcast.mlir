// RUN: cell-opt %s --cell-differentiate | FileCheck %s
// The gradient of a broadcast bias is one sum, without a reshape.

func.func private @f(%x: tensor<8x4xf32>, %b: tensor<4xf32>) -> tensor<8x4xf32> {
  %0 = cell.broadcast %b {shape = array<i64: 8, 4>} : (tensor<4xf32>) -> tensor<8x4xf32>
  %1 = cell.add %x, %0 : tensor<8x4xf32>
  return %1 : tensor<8x4xf32>
}
// CHECK-LABEL: func.func private @f.reverse
// CHECK-SAME: (%[[CT:.*]]: tensor<8x4xf32>)
// CHECK-NEXT: %[[G:.*]] = cell.reduce_sum %[[CT]] {axes = array<i64: 0>, keepdims = false}
// CHECK-NEXT: return %[[G]]
func.func @main(%x: tensor<8x4xf32>, %b: tensor<4xf32>) -> tensor<4xf32> {
  %v, %g = cell.value_and_grad @f(%x, %b) wrt [1] outputs [0] : (tensor<8x4xf32>, tensor<4xf32>) -> (tensor<8x4xf32>, tensor<4xf32>)
  return %g : tensor<4xf32>
}
