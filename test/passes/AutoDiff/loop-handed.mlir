// RUN: cell-opt %s --cell-differentiate | FileCheck %s
// What a trip starts with and what it ends with are both needed again, but the end of one is the start of the next: one tape is enough. The mirrored loop hands on
// what it took off, and begins with the result.

// CHECK-LABEL: func.func private @f.forward
// CHECK-COUNT-1: cell.tape_push
// CHECK-NOT: cell.tape_push
// CHECK-LABEL: func.func private @f.reverse
// CHECK-SAME: !cell.tape<tensor<4x4xf64>>, %[[R:[^:]*]]: tensor<4x4xf64>, %[[CT:[^:]*]]: tensor<4x4xf64>)
// CHECK: scf.for {{.*}} iter_args(%{{.*}} = %[[CT]], %{{.*}} = %{{.*}}, %[[T:.*]] = %{{.*}}, %[[END:.*]] = %[[R]])
// CHECK: cell.mul %[[END]], %[[END]]
// CHECK: %[[REST:.*]], %[[START:.*]] = cell.tape_pop %[[T]]
// CHECK: scf.yield %{{.*}}, %{{.*}}, %[[REST]], %[[START]]
func.func private @f(%x: tensor<4x4xf64>, %w: tensor<4x4xf64>, %n: index) -> tensor<4x4xf64> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = scf.for %k = %c0 to %n step %c1 iter_args(%a = %x) -> tensor<4x4xf64> {
    %m = cell.matmul %a, %w : (tensor<4x4xf64>, tensor<4x4xf64>) -> tensor<4x4xf64>
    %c = cell.tanh %m : tensor<4x4xf64>
    scf.yield %c : tensor<4x4xf64>
  }
  return %r : tensor<4x4xf64>
}
func.func @main(%x: tensor<4x4xf64>, %w: tensor<4x4xf64>, %n: index) -> (tensor<4x4xf64>, tensor<4x4xf64>) {
  %v, %g:2 = cell.value_and_grad @f(%x, %w, %n) wrt [0, 1] outputs [0] : (tensor<4x4xf64>, tensor<4x4xf64>, index) -> (tensor<4x4xf64>, tensor<4x4xf64>, tensor<4x4xf64>)
  return %g#0, %g#1 : tensor<4x4xf64>, tensor<4x4xf64>
}
