// RUN: cell-opt %s --cell-differentiate | FileCheck %s
// One batched function per function and choice of batched arguments; calls go to the batched callee.

func.func private @g(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  %0 = cell.mul %x, %y : tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func private @f(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  %0 = call @g(%x, %y) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %1 = call @g(%0, %y) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %2 = call @g(%y, %y) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %3 = cell.add %1, %2 : tensor<4xf32>
  return %3 : tensor<4xf32>
}
// CHECK-LABEL: func.func private @f.batched
// CHECK-SAME: %[[X:.*]]: tensor<8x4xf32>, %[[Y:.*]]: tensor<4xf32>) -> tensor<8x4xf32>
// CHECK: %[[A:.*]] = call @g.batched(%[[X]], %[[Y]])
// CHECK: %[[B:.*]] = call @g.batched(%[[A]], %[[Y]])
// CHECK: %[[C:.*]] = call @g(%[[Y]], %[[Y]]) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
// CHECK: %[[D:.*]] = cell.broadcast %[[C]]
// CHECK: cell.add %[[B]], %[[D]] : tensor<8x4xf32>
// CHECK-LABEL: func.func @main
// CHECK: call @f.batched
// CHECK: call @f.batched
func.func @main(%x: tensor<8x4xf32>, %y: tensor<4xf32>) -> (tensor<8x4xf32>, tensor<8x4xf32>) {
  %0 = cell.vmap @f(%x, %y) in_axes [0, -1] out_axes [0] size 8 : (tensor<8x4xf32>, tensor<4xf32>) -> tensor<8x4xf32>
  %1 = cell.vmap @f(%0, %y) in_axes [0, -1] out_axes [0] size 8 : (tensor<8x4xf32>, tensor<4xf32>) -> tensor<8x4xf32>
  return %0, %1 : tensor<8x4xf32>, tensor<8x4xf32>
}
