// RUN: cell-opt %s --cell-differentiate | FileCheck %s
// A loop within a function that is called in a loop: the tape of the inner loop begins in @main and goes through both, so that it need not be
// saved itself. The branch not taken hands it on.

// CHECK-LABEL: func.func private @layer.forward
// CHECK-SAME: %[[T:[^:]*]]: !cell.tape<tensor<4xf64>>) -> (tensor<4xf64>, !cell.tape<tensor<4xf64>>)
// CHECK-LABEL: func.func private @layer.reverse
// CHECK-SAME: -> (tensor<4xf64>, !cell.tape<tensor<4xf64>>)
func.func private @layer(%x: tensor<4xf64>) -> tensor<4xf64> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %r = scf.for %k = %c0 to %c3 step %c1 iter_args(%a = %x) -> tensor<4xf64> {
    %b = cell.sin %a : tensor<4xf64>
    scf.yield %b : tensor<4xf64>
  }
  return %r : tensor<4xf64>
}
// CHECK-LABEL: func.func private @f.forward
// CHECK-SAME: %[[TAPE:[^:]*]]: !cell.tape<tensor<4xf64>>)
// CHECK: scf.for {{.*}} iter_args(%[[A:.*]] = %{{.*}}, %[[T:.*]] = %[[TAPE]])
// CHECK: %[[IF:.*]]:2 = scf.if
// CHECK: %[[C:.*]]:2 = func.call @layer.forward(%[[A]], %[[T]])
// CHECK: scf.yield %[[C]]#0, %[[C]]#1
// CHECK: } else {
// CHECK: scf.yield %{{.*}}, %[[T]]
// CHECK: }
// CHECK: scf.yield %[[IF]]#0, %[[IF]]#1
// CHECK-LABEL: func.func private @f.reverse
// CHECK: scf.for {{.*}} iter_args(%[[CA:.*]] = %{{.*}}, %[[P:.*]] = %{{.*}})
// CHECK: %[[IF:.*]]:2 = scf.if
// CHECK: %[[C:.*]]:2 = func.call @layer.reverse(%[[P]], %[[CA]])
// CHECK: scf.yield %[[C]]#0, %[[C]]#1
// CHECK: scf.yield %{{.*}}, %[[P]]
// CHECK: scf.yield %[[IF]]#0, %[[IF]]#1
func.func private @f(%x: tensor<4xf64>, %c: tensor<i1>, %n: tensor<i64>) -> tensor<4xf64> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %i = tensor.extract %n[] : tensor<i64>
  %u = arith.index_cast %i : i64 to index
  %p = tensor.extract %c[] : tensor<i1>
  %r = scf.for %k = %c0 to %u step %c1 iter_args(%a = %x) -> tensor<4xf64> {
    %y = scf.if %p -> tensor<4xf64> {
      %z = func.call @layer(%a) : (tensor<4xf64>) -> tensor<4xf64>
      scf.yield %z : tensor<4xf64>
    } else {
      %z = cell.neg %a : tensor<4xf64>
      scf.yield %z : tensor<4xf64>
    }
    scf.yield %y : tensor<4xf64>
  }
  return %r : tensor<4xf64>
}
func.func @main(%x: tensor<4xf64>, %c: tensor<i1>, %n: tensor<i64>) -> tensor<4xf64> {
  %v, %g = cell.value_and_grad @f(%x, %c, %n) wrt [0] outputs [0] : (tensor<4xf64>, tensor<i1>, tensor<i64>) -> (tensor<4xf64>, tensor<4xf64>)
  return %g : tensor<4xf64>
}
