// RUN: cell-opt %s --cell-differentiate | FileCheck %s
// A counter in a carried tensor takes no part, though the same call makes the next counter and the next state: dependence is known per result of a
// function. What has no derivative is not carried backwards: %n and %y get no sums.

func.func private @body(%k: tensor<f64>, %x: tensor<4xf64>, %y: tensor<4xf64>) -> (tensor<f64>, tensor<4xf64>) {
  %one = cell.constant dense<1.0> : tensor<f64>
  %next = cell.add %k, %one : tensor<f64>
  %s = cell.sin %x : tensor<4xf64>
  %z = cell.stop_gradient %y : (tensor<4xf64>) -> tensor<4xf64>
  %t = cell.add %s, %z : tensor<4xf64>
  return %next, %t : tensor<f64>, tensor<4xf64>
}
// CHECK-LABEL: func.func private @f.reverse
// CHECK-SAME: -> (tensor<4xf64>, !cell.tape<tensor<4xf64>>)
// CHECK: scf.for {{.*}} iter_args(%{{.*}} = %{{.*}}, %{{.*}} = %{{.*}}) -> (tensor<4xf64>, !cell.tape<tensor<4xf64>>)
func.func private @f(%x: tensor<4xf64>, %y: tensor<4xf64>, %n: tensor<f64>) -> tensor<4xf64> {
  %zero = cell.constant dense<0.0> : tensor<f64>
  %r:2 = scf.while (%k = %zero, %a = %x) : (tensor<f64>, tensor<4xf64>) -> (tensor<f64>, tensor<4xf64>) {
    %c = cell.less %k, %n : (tensor<f64>, tensor<f64>) -> tensor<i1>
    %p = tensor.extract %c[] : tensor<i1>
    scf.condition(%p) %k, %a : tensor<f64>, tensor<4xf64>
  } do {
  ^bb0(%k: tensor<f64>, %a: tensor<4xf64>):
    %q:2 = func.call @body(%k, %a, %y) : (tensor<f64>, tensor<4xf64>, tensor<4xf64>) -> (tensor<f64>, tensor<4xf64>)
    scf.yield %q#0, %q#1 : tensor<f64>, tensor<4xf64>
  }
  return %r#1 : tensor<4xf64>
}
func.func @main(%x: tensor<4xf64>, %y: tensor<4xf64>, %n: tensor<f64>) -> tensor<4xf64> {
  %v, %g:2 = cell.value_and_grad @f(%x, %y, %n) wrt [0, 1] outputs [0] : (tensor<4xf64>, tensor<4xf64>, tensor<f64>) -> (tensor<4xf64>, tensor<4xf64>, tensor<4xf64>)
  return %g#0 : tensor<4xf64>
}
