// x**n by a loop: n x**(n-1) and n (n-1) x**(n-2), for no trip at all, too.
// REQUIRES: cell-run
// RUN: cell-run %s --input=1.5 --input=4 | FileCheck %s
// RUN: cell-run %s --input=1.5 --input=1 | FileCheck %s --check-prefix=ONE
// RUN: cell-run %s --input=1.5 --input=0 | FileCheck %s --check-prefix=NONE

// CHECK: result 0: tensor<f64> = 13.5
// CHECK: result 1: tensor<f64> = 27
// ONE: result 0: tensor<f64> = 1
// ONE: result 1: tensor<f64> = 0
// NONE: result 0: tensor<f64> = 0
// NONE: result 1: tensor<f64> = 0
func.func private @f(%x: tensor<f64>, %n: tensor<i64>) -> tensor<f64> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %i = tensor.extract %n[] : tensor<i64>
  %u = arith.index_cast %i : i64 to index
  %one = cell.constant dense<1.0> : tensor<f64>
  %r = scf.for %k = %c0 to %u step %c1 iter_args(%a = %one) -> tensor<f64> {
    %b = cell.mul %a, %x : tensor<f64>
    scf.yield %b : tensor<f64>
  }
  return %r : tensor<f64>
}
func.func private @slope(%x: tensor<f64>, %n: tensor<i64>) -> tensor<f64> {
  %v, %g = cell.value_and_grad @f(%x, %n) wrt [0] outputs [0] : (tensor<f64>, tensor<i64>) -> (tensor<f64>, tensor<f64>)
  return %g : tensor<f64>
}
func.func @main(%x: tensor<f64>, %n: tensor<i64>) -> (tensor<f64>, tensor<f64>) {
  %v, %g = cell.value_and_grad @slope(%x, %n) wrt [0] outputs [0] : (tensor<f64>, tensor<i64>) -> (tensor<f64>, tensor<f64>)
  return %v, %g : tensor<f64>, tensor<f64>
}
