// RUN: cell-opt %s --cell-differentiate | FileCheck %s
// The cotangent of a tape is a tape: what was pushed is popped from it, what was popped is pushed on it.

// CHECK-LABEL: func.func private @f.reverse
// CHECK-SAME: (%[[CT:.*]]: tensor<f32>)
// CHECK: %[[EMPTY:.*]] = cell.tape_create
// CHECK: %[[ONE:.*]] = cell.tape_push %[[EMPTY]], %{{.*}}
// CHECK: %[[TWO:.*]] = cell.tape_push %[[ONE]], %[[CT]]
// CHECK: %[[R1:.*]], %[[V1:.*]] = cell.tape_pop %[[TWO]]
// CHECK: %[[R0:.*]], %[[V0:.*]] = cell.tape_pop %[[R1]]
// CHECK: cell.neg %[[V0]]
func.func private @f(%x: tensor<f32>, %y: tensor<f32>) -> tensor<f32> {
  %n = cell.neg %x : tensor<f32>
  %t0 = cell.tape_create : !cell.tape<tensor<f32>>
  %t1 = cell.tape_push %t0, %n : !cell.tape<tensor<f32>>
  %t2 = cell.tape_push %t1, %y : !cell.tape<tensor<f32>>
  %t3, %b = cell.tape_pop %t2 : !cell.tape<tensor<f32>>
  %t4, %a = cell.tape_pop %t3 : !cell.tape<tensor<f32>>
  %s = cell.add %a, %b : tensor<f32>
  return %s : tensor<f32>
}
func.func @main(%x: tensor<f32>, %y: tensor<f32>) -> (tensor<f32>, tensor<f32>) {
  %v, %g:2 = cell.value_and_grad @f(%x, %y) wrt [0, 1] outputs [0] : (tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>, tensor<f32>)
  return %g#0, %g#1 : tensor<f32>, tensor<f32>
}
