// RUN: cell-opt %s --cell-differentiate | FileCheck %s
// A loop saves on a tape what each trip needs again; the mirrored loop takes it off. %w is the same in every trip: it is not saved, and its
// gradient is summed in the loop. The number of trips is known at run time only.

// CHECK-LABEL: func.func private @f.forward
// CHECK-SAME: %[[TAPE:[^:]*]]: !cell.tape<tensor<4xf32>>)
// CHECK: %[[R:.*]]:2 = scf.for {{.*}} iter_args(%[[A:.*]] = %{{.*}}, %[[T:.*]] = %[[TAPE]])
// CHECK-NEXT: %[[PUSHED:.*]] = cell.tape_push %[[T]], %[[A]]
// CHECK: scf.yield %{{.*}}, %[[PUSHED]]
// CHECK: return %[[R]]#0, %[[R]]#1
// CHECK-LABEL: func.func private @f.reverse
// CHECK-SAME: %[[W:[^:]*]]: tensor<4xf32>, %[[N:[^:]*]]: tensor<i64>, %[[SAVED:.*]]: !cell.tape<tensor<4xf32>>, %[[CT:[^:]*]]: tensor<4xf32>
// CHECK: tensor.extract %[[N]][]
// CHECK: %[[G:.*]]:3 = scf.for {{.*}} iter_args(%[[CA:.*]] = %[[CT]], %[[SUM:.*]] = %{{.*}}, %[[S:.*]] = %[[SAVED]])
// CHECK: cell.mul %[[CA]], %[[W]]
// CHECK: %[[REST:.*]], %[[VALUE:.*]] = cell.tape_pop %[[S]]
// CHECK: %[[TERM:.*]] = cell.mul %[[CA]], %[[VALUE]]
// CHECK: cell.add %[[SUM]], %[[TERM]]
// CHECK: return %[[G]]#0, %[[G]]#1, %[[G]]#2
func.func private @f(%x: tensor<4xf32>, %w: tensor<4xf32>, %n: tensor<i64>) -> tensor<4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %i = tensor.extract %n[] : tensor<i64>
  %u = arith.index_cast %i : i64 to index
  %r = scf.for %k = %c0 to %u step %c1 iter_args(%a = %x) -> tensor<4xf32> {
    %b = cell.mul %a, %w : tensor<4xf32>
    scf.yield %b : tensor<4xf32>
  }
  return %r : tensor<4xf32>
}
// CHECK-LABEL: func.func @main
// CHECK: %[[EMPTY:.*]] = cell.tape_create
// CHECK: %[[F:.*]]:2 = call @f.forward(%{{.*}}, %{{.*}}, %{{.*}}, %[[EMPTY]])
// CHECK: call @f.reverse(%{{.*}}, %{{.*}}, %[[F]]#1
func.func @main(%x: tensor<4xf32>, %w: tensor<4xf32>, %n: tensor<i64>) -> (tensor<4xf32>, tensor<4xf32>) {
  %v, %g:2 = cell.value_and_grad @f(%x, %w, %n) wrt [0, 1] outputs [0] : (tensor<4xf32>, tensor<4xf32>, tensor<i64>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  return %g#0, %g#1 : tensor<4xf32>, tensor<4xf32>
}
