// RUN: cell-opt %s --cell-differentiate --cell-simplify | FileCheck %s
// A condition that all examples share stays a branch; one per example computes both branches and selects.

func.func private @f(%c: tensor<i1>, %x: tensor<4xf32>) -> tensor<4xf32> {
  %i = tensor.extract %c[] : tensor<i1>
  %0 = scf.if %i -> tensor<4xf32> {
    %1 = cell.exp %x : tensor<4xf32>
    scf.yield %1 : tensor<4xf32>
  } else {
    scf.yield %x : tensor<4xf32>
  }
  return %0 : tensor<4xf32>
}
// CHECK-LABEL: func.func @shared
// CHECK: scf.if
// CHECK-NEXT: cell.exp %{{.*}} : tensor<8x4xf32>
// CHECK-NOT: cell.select
func.func @shared(%c: tensor<i1>, %x: tensor<8x4xf32>) -> tensor<8x4xf32> {
  %0 = cell.vmap @f(%c, %x) in_axes [-1, 0] out_axes [0] size 8 : (tensor<i1>, tensor<8x4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}
// CHECK-LABEL: func.func @each
// CHECK-SAME: %[[C:.*]]: tensor<8xi1>, %[[X:.*]]: tensor<8x4xf32>
// CHECK-NOT: scf.if
// CHECK: %[[E:.*]] = cell.exp %[[X]]
// CHECK: %[[R:.*]] = cell.reshape %[[C]] {shape = array<i64: 8, 1>}
// CHECK: %[[B:.*]] = cell.broadcast %[[R]]
// CHECK: cell.select %[[B]], %[[E]], %[[X]]
func.func @each(%c: tensor<8xi1>, %x: tensor<8x4xf32>) -> tensor<8x4xf32> {
  %0 = cell.vmap @f(%c, %x) in_axes [0, 0] out_axes [0] size 8 : (tensor<8xi1>, tensor<8x4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}
