// RUN: cell-opt %s --results-to-arguments | FileCheck %s

// A tied result goes to its argument, the other one to a new argument; an argument that is overwritten is saved first.
// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[P:.*]]: tensor<4xf32> {bufferization.writable = true}, %[[G:.*]]: tensor<4xf32> {bufferization.writable = false}, %[[OUT:.*]]: tensor<4xf32> {bufferization.writable = true}
// CHECK: %[[OLD:.*]] = bufferization.alloc_tensor() copy(%[[P]])
// CHECK: %[[NEW:.*]] = bufferization.materialize_in_destination %[[G]] in %[[P]]
// CHECK: %[[COPY:.*]] = bufferization.materialize_in_destination %[[OLD]] in %[[OUT]]
// CHECK: return %[[NEW]], %[[COPY]]
func.func @main(%p: tensor<4xf32>, %g: tensor<4xf32>) -> (tensor<4xf32> {cell.alias = 0 : i64}, tensor<4xf32>) {
  return %g, %p : tensor<4xf32>, tensor<4xf32>
}
