// RUN: cell-opt %s --cell-differentiate=residuals=all | FileCheck %s
// A function to be computed again saves its arguments only. The copy in the reverse half does not print, and is not inlined.

// CHECK-LABEL: func.func private @f.recompute
// CHECK-SAME: (%[[X:.*]]: tensor<4xf32>, %[[CT:.*]]: tensor<4xf32>) -> tensor<4xf32> attributes {cell.no_inline}
// CHECK: %[[S:.*]]:2 = call @f.forward.silent(%[[X]])
// CHECK: call @f.reverse({{.*}}%[[S]]
// CHECK-LABEL: func.func private @f.forward.silent
// CHECK-NOT: cell.print
// CHECK: return
// CHECK-LABEL: func.func private @f.reverse
// CHECK-LABEL: func.func @main
// CHECK: %[[V:.*]] = call @f(%arg0)
// CHECK: call @f.recompute(%arg0, %{{.*}})
func.func private @f(%x: tensor<4xf32>) -> tensor<4xf32> attributes {cell.recompute} {
  %0 = cell.exp %x : tensor<4xf32>
  cell.print "{}\n" (%0) : tensor<4xf32>
  %1 = cell.sin %0 : tensor<4xf32>
  %2 = cell.tanh %1 : tensor<4xf32>
  return %2 : tensor<4xf32>
}
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %v, %g = cell.value_and_grad @f(%x) wrt [0] outputs [0] : (tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %g : tensor<4xf32>
}
