// Nested loops, the inner one of k + 1 trips: each multiplies by x, so that the result is x ** (1 + 2 + .. + n). n = 3: x**6, 6 x**5, 30 x**4.
// REQUIRES: cell-run
// RUN: cell-run %s --input=2 --input=3 | FileCheck %s

// CHECK: result 0: tensor<f64> = 192
// CHECK: result 1: tensor<f64> = 480
func.func private @f(%x: tensor<f64>, %n: tensor<i64>) -> tensor<f64> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %i = tensor.extract %n[] : tensor<i64>
  %u = arith.index_cast %i : i64 to index
  %one = cell.constant dense<1.0> : tensor<f64>
  %r = scf.for %k = %c0 to %u step %c1 iter_args(%a = %one) -> tensor<f64> {
    %m = arith.addi %k, %c1 : index
    %q = scf.for %j = %c0 to %m step %c1 iter_args(%b = %a) -> tensor<f64> {
      %0 = cell.mul %b, %x : tensor<f64>
      scf.yield %0 : tensor<f64>
    }
    scf.yield %q : tensor<f64>
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
