// RUN: cell-opt %s --cell-differentiate | FileCheck %s
// A while loop counts its trips; its reverse is a loop over that many. The condition has no derivative and is not run backwards.

// CHECK-LABEL: func.func private @f.forward
// CHECK: %[[ZERO:.*]] = arith.constant 0 : i64
// CHECK: %[[R:.*]]:3 = scf.while (%{{.*}} = %arg0, %{{.*}} = %[[ZERO]], %{{.*}} = %arg1)
// CHECK: scf.condition
// CHECK: ^bb0(%{{.*}}: tensor<f64>, %[[N:.*]]: i64, %[[T:.*]]: !cell.tape<tensor<f64>>):
// CHECK: %[[PUSHED:.*]] = cell.tape_push %[[T]]
// CHECK: %[[S:.*]] = cell.sin
// CHECK: %[[NEXT:.*]] = arith.addi %[[N]]
// CHECK: scf.yield %[[S]], %[[NEXT]], %[[PUSHED]]
// CHECK: %[[COUNT:.*]] = tensor.from_elements %[[R]]#1 : tensor<i64>
// CHECK: return %[[R]]#0, %[[COUNT]], %[[R]]#2
// CHECK-LABEL: func.func private @f.reverse
// CHECK-SAME: (%[[COUNT:.*]]: tensor<i64>, %[[TAPE:.*]]: !cell.tape<tensor<f64>>, %[[CT:.*]]: tensor<f64>)
// CHECK: %[[E:.*]] = tensor.extract %[[COUNT]][] : tensor<i64>
// CHECK: %[[TRIPS:.*]] = arith.index_cast %[[E]] : i64 to index
// CHECK: scf.for %{{.*}} = %{{.*}} to %[[TRIPS]] step %{{.*}} iter_args(%[[A:.*]] = %[[CT]], %[[P:.*]] = %[[TAPE]])
// CHECK: cell.tape_pop %[[P]]
// CHECK: cell.cos
// CHECK-NOT: cell.less
func.func private @f(%x: tensor<f64>) -> tensor<f64> {
  %limit = cell.constant dense<0.5> : tensor<f64>
  %r = scf.while (%y = %x) : (tensor<f64>) -> tensor<f64> {
    %c = cell.less %limit, %y : (tensor<f64>, tensor<f64>) -> tensor<i1>
    %p = tensor.extract %c[] : tensor<i1>
    scf.condition(%p) %y : tensor<f64>
  } do {
  ^bb0(%y: tensor<f64>):
    %s = cell.sin %y : tensor<f64>
    scf.yield %s : tensor<f64>
  }
  return %r : tensor<f64>
}
func.func @main(%x: tensor<f64>) -> tensor<f64> {
  %v, %g = cell.value_and_grad @f(%x) wrt [0] outputs [0] : (tensor<f64>) -> (tensor<f64>, tensor<f64>)
  return %g : tensor<f64>
}
