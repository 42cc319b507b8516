// RUN: cell-opt %s --cell-differentiate | FileCheck %s
// A first region that computes what is handed on takes part in the derivative: it goes before the loop and to the end of the body.

// CHECK-LABEL: func.func private @f.forward
// CHECK: %[[S:.*]] = cell.sin %arg0
// CHECK: %[[C:.*]] = cell.less
// CHECK: %[[FLAG:.*]] = tensor.extract %[[C]][]
// CHECK: scf.while (%[[G:.*]] = %[[FLAG]], %{{.*}} = %[[S]],
// CHECK-NOT: cell.sin
// CHECK: scf.condition(%[[G]])
// CHECK: cell.exp
// CHECK: cell.sin
// CHECK: cell.less
// CHECK: scf.yield
// CHECK-LABEL: func.func private @f.reverse
// CHECK: scf.for
// CHECK-DAG: cell.cos
// CHECK: scf.yield
// CHECK: }
// CHECK: cell.cos
func.func private @f(%x: tensor<f64>) -> tensor<f64> {
  %limit = cell.constant dense<0.5> : tensor<f64>
  %r = scf.while (%y = %x) : (tensor<f64>) -> tensor<f64> {
    %s = cell.sin %y : tensor<f64>
    %c = cell.less %limit, %s : (tensor<f64>, tensor<f64>) -> tensor<i1>
    %p = tensor.extract %c[] : tensor<i1>
    scf.condition(%p) %s : tensor<f64>
  } do {
  ^bb0(%y: tensor<f64>):
    %s = cell.exp %y : tensor<f64>
    scf.yield %s : tensor<f64>
  }
  return %r : tensor<f64>
}
func.func @main(%x: tensor<f64>) -> tensor<f64> {
  %v, %g = cell.value_and_grad @f(%x) wrt [0] outputs [0] : (tensor<f64>) -> (tensor<f64>, tensor<f64>)
  return %g : tensor<f64>
}
