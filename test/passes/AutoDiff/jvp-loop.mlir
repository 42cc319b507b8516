// RUN: cell-opt %s --cell-differentiate | FileCheck %s
// A loop carries the tangents of the values that have one, and of no others.

// CHECK-LABEL: func.func private @f.jvp
// CHECK-SAME: %[[T:[a-z0-9]*]]: tensor<4xf32>) ->
// CHECK: %[[R:.*]]:3 = scf.for {{.*}} iter_args(%[[A:.*]] = %arg0, %[[B:.*]] = %arg1, %[[TA:.*]] = %[[T]])
// CHECK: cell.mul %[[A]], %[[B]]
// CHECK: %[[TM:.*]] = cell.mul %[[TA]], %[[B]]
// CHECK: cell.exp %[[B]]
// CHECK: scf.yield %{{.*}}, %{{.*}}, %[[TM]]
// CHECK: return %[[R]]#0, %[[R]]#2
func.func private @f(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c5 = arith.constant 5 : index
  %r:2 = scf.for %i = %c0 to %c5 step %c1 iter_args(%a = %x, %b = %y) -> (tensor<4xf32>, tensor<4xf32>) {
    %0 = cell.mul %a, %b : tensor<4xf32>
    %1 = cell.exp %b : tensor<4xf32>
    scf.yield %0, %1 : tensor<4xf32>, tensor<4xf32>
  }
  return %r#0 : tensor<4xf32>
}
func.func @main(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  %r:2 = cell.jvp @f(%x, %y) tangents(%x) wrt [0] outputs [0] : (tensor<4xf32>, tensor<4xf32>), (tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %r#1 : tensor<4xf32>
}
