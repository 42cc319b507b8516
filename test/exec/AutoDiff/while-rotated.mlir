// A first region that computes what is handed on: y = 2x, then y = 2(y + x) while y < 10. From x = 1: 2, 6, 14 = 14 x, so the derivative is 14; the
// second derivative of x * y is 28.
// REQUIRES: cell-run
// RUN: cell-run %s --input=1 | FileCheck %s

// CHECK: result 0: tensor<f64> = 28
// CHECK: result 1: tensor<f64> = 28
func.func private @f(%x: tensor<f64>) -> tensor<f64> {
  %limit = cell.constant dense<10.0> : tensor<f64>
  %two = cell.constant dense<2.0> : tensor<f64>
  %r = scf.while (%y = %x) : (tensor<f64>) -> tensor<f64> {
    %d = cell.mul %y, %two : tensor<f64>
    %c = cell.less %d, %limit : (tensor<f64>, tensor<f64>) -> tensor<i1>
    %p = tensor.extract %c[] : tensor<i1>
    scf.condition(%p) %d : tensor<f64>
  } do {
  ^bb0(%y: tensor<f64>):
    %s = cell.add %y, %x : tensor<f64>
    scf.yield %s : tensor<f64>
  }
  %v = cell.mul %r, %x : tensor<f64>
  return %v : tensor<f64>
}
func.func private @slope(%x: tensor<f64>) -> tensor<f64> {
  %v, %g = cell.value_and_grad @f(%x) wrt [0] outputs [0] : (tensor<f64>) -> (tensor<f64>, tensor<f64>)
  return %g : tensor<f64>
}
func.func @main(%x: tensor<f64>) -> (tensor<f64>, tensor<f64>) {
  %v, %g = cell.value_and_grad @slope(%x) wrt [0] outputs [0] : (tensor<f64>) -> (tensor<f64>, tensor<f64>)
  return %v, %g : tensor<f64>, tensor<f64>
}
