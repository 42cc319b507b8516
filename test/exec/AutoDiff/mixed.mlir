// A branch in a for in a while, in a function that calls another: trip k of the while runs the for k times, which squares a where a < 3 and multiplies by x
// elsewhere. From x = 2, n = 4: a = x; k = 1: x**2 (4); k = 2: x**3, x**4; k = 3: x**5, x**6, x**7. So x**7: 7 x**6 = 448, 42 x**5 = 1344.
// REQUIRES: cell-run
// RUN: cell-run %s --input=2 --input=4 | FileCheck %s

// CHECK: result 0: tensor<f64> = 448
// CHECK: result 1: tensor<f64> = 1344
func.func private @times(%a: tensor<f64>, %x: tensor<f64>) -> tensor<f64> {
  %three = cell.constant dense<3.0> : tensor<f64>
  %c = cell.less %a, %three : (tensor<f64>, tensor<f64>) -> tensor<i1>
  %p = tensor.extract %c[] : tensor<i1>
  %r = scf.if %p -> tensor<f64> {
    %s = cell.mul %a, %a : tensor<f64>
    scf.yield %s : tensor<f64>
  } else {
    %s = cell.mul %a, %x : tensor<f64>
    scf.yield %s : tensor<f64>
  }
  return %r : tensor<f64>
}
func.func private @f(%x: tensor<f64>, %n: tensor<i64>) -> tensor<f64> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = cell.constant dense<0> : tensor<i64>
  %one = cell.constant dense<1> : tensor<i64>
  %r:2 = scf.while (%k = %zero, %a = %x) : (tensor<i64>, tensor<f64>) -> (tensor<i64>, tensor<f64>) {
    %c = cell.less %k, %n : (tensor<i64>, tensor<i64>) -> tensor<i1>
    %p = tensor.extract %c[] : tensor<i1>
    scf.condition(%p) %k, %a : tensor<i64>, tensor<f64>
  } do {
  ^bb0(%k: tensor<i64>, %a: tensor<f64>):
    %i = tensor.extract %k[] : tensor<i64>
    %u = arith.index_cast %i : i64 to index
    %q = scf.for %j = %c0 to %u step %c1 iter_args(%b = %a) -> tensor<f64> {
      %0 = func.call @times(%b, %x) : (tensor<f64>, tensor<f64>) -> tensor<f64>
      scf.yield %0 : tensor<f64>
    }
    %next = cell.add %k, %one : tensor<i64>
    scf.yield %next, %q : tensor<i64>, tensor<f64>
  }
  return %r#1 : tensor<f64>
}
func.func private @slope(%x: tensor<f64>, %n: tensor<i64>) -> tensor<f64> {
  %v, %g = cell.value_and_grad @f(%x, %n) wrt [0] outputs [0] : (tensor<f64>, tensor<i64>) -> (tensor<f64>, tensor<f64>)
  return %g : tensor<f64>
}
func.func @main(%x: tensor<f64>, %n: tensor<i64>) -> (tensor<f64>, tensor<f64>) {
  %v, %g = cell.value_and_grad @slope(%x, %n) wrt [0] outputs [0] : (tensor<f64>, tensor<i64>) -> (tensor<f64>, tensor<f64>)
  return %v, %g : tensor<f64>, tensor<f64>
}
