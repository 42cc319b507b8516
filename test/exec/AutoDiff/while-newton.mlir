// The square root of a by Newton's iteration: the derivative of the iteration tends to 1 / (2 sqrt(a)).
// REQUIRES: cell-run
// RUN: cell-run %s --input=4 | FileCheck %s
// RUN: cell-run %s --input=1 | FileCheck %s --check-prefix=NONE

// CHECK: result 0: tensor<f64> = 2{{$}}
// CHECK: result 1: tensor<f64> = 0.25
// The start is the root: no trip, and a result that does not depend on a.
// NONE: result 0: tensor<f64> = 1{{$}}
// NONE: result 1: tensor<f64> = 0{{$}}
func.func private @f(%a: tensor<f64>) -> tensor<f64> {
  %one = cell.constant dense<1.0> : tensor<f64>
  %half = cell.constant dense<0.5> : tensor<f64>
  %eps = cell.constant dense<1.0e-12> : tensor<f64>
  %r = scf.while (%y = %one) : (tensor<f64>) -> tensor<f64> {
    %0 = cell.mul %y, %y : tensor<f64>
    %1 = cell.sub %0, %a : tensor<f64>
    %2 = cell.abs %1 : tensor<f64>
    %3 = cell.greater %2, %eps : (tensor<f64>, tensor<f64>) -> tensor<i1>
    %4 = tensor.extract %3[] : tensor<i1>
    scf.condition(%4) %y : tensor<f64>
  } do {
  ^bb0(%y: tensor<f64>):
    %0 = cell.div %a, %y : tensor<f64>
    %1 = cell.add %y, %0 : tensor<f64>
    %2 = cell.mul %1, %half : tensor<f64>
    scf.yield %2 : tensor<f64>
  }
  return %r : tensor<f64>
}
func.func @main(%a: tensor<f64>) -> (tensor<f64>, tensor<f64>) {
  %v, %g = cell.value_and_grad @f(%a) wrt [0] outputs [0] : (tensor<f64>) -> (tensor<f64>, tensor<f64>)
  return %v, %g : tensor<f64>, tensor<f64>
}
