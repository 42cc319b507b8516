// RUN: cell-opt %s --cell-differentiate=residuals=all | FileCheck %s
// The reverse of a branch is a branch on the same condition. What a branch needs again is a further result of it; what it yields anyway is not.

// CHECK-LABEL: func.func private @f.forward
// CHECK: %[[R:.*]]:2 = scf.if
// CHECK: %[[EXP:.*]] = cell.exp
// CHECK: %[[MUL:.*]] = cell.mul
// CHECK: scf.yield %[[MUL]], %[[EXP]]
// CHECK: %[[TANH:.*]] = cell.tanh
// CHECK: %[[FILL:.*]] = cell.constant dense<0.0
// CHECK: scf.yield %[[TANH]], %[[FILL]]
// CHECK: return %[[R]]#0, %[[R]]#1
// CHECK-LABEL: func.func private @f.reverse
// CHECK-SAME: %[[W:.*]]: tensor<4xf32>, %[[E:.*]]: tensor<4xf32>, %[[T:.*]]: tensor<4xf32>, %[[C:.*]]: tensor<i1>, %[[CT:[^:]*]]: tensor<4xf32>
// CHECK: %[[P:.*]] = tensor.extract %[[C]][] : tensor<i1>
// CHECK: %[[G:.*]]:2 = scf.if %[[P]]
// CHECK: cell.mul %[[CT]], %[[E]]
// CHECK: } else {
// CHECK: cell.mul %[[T]], %[[T]]
// CHECK: cell.constant dense<0.0
// CHECK: return %[[G]]#1, %[[G]]#0
func.func private @f(%c: tensor<i1>, %x: tensor<4xf32>, %w: tensor<4xf32>) -> tensor<4xf32> {
  %p = tensor.extract %c[] : tensor<i1>
  %0 = scf.if %p -> tensor<4xf32> {
    %1 = cell.exp %x : tensor<4xf32>
    %2 = cell.mul %1, %w : tensor<4xf32>
    scf.yield %2 : tensor<4xf32>
  } else {
    %1 = cell.tanh %x : tensor<4xf32>
    scf.yield %1 : tensor<4xf32>
  }
  return %0 : tensor<4xf32>
}
func.func @main(%c: tensor<i1>, %x: tensor<4xf32>, %w: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %v, %g:2 = cell.value_and_grad @f(%c, %x, %w) wrt [1, 2] outputs [0] : (tensor<i1>, tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  return %g#0, %g#1 : tensor<4xf32>, tensor<4xf32>
}
