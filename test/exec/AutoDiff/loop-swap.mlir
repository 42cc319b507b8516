// Carried values that change places, of which only one has a cotangent, and whose start has one from elsewhere: a and b swap, b is used. Whatever the
// number of trips the result is x * x.
// REQUIRES: cell-run
// RUN: cell-run %s --input=3 --input=1 | FileCheck %s
// RUN: cell-run %s --input=3 --input=2 | FileCheck %s

// CHECK: result 0: tensor<f64> = 9
// CHECK: result 1: tensor<f64> = 6
func.func private @f(%x: tensor<f64>, %n: tensor<i64>) -> tensor<f64> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %i = tensor.extract %n[] : tensor<i64>
  %u = arith.index_cast %i : i64 to index
  %r:2 = scf.for %k = %c0 to %u step %c1 iter_args(%a = %x, %b = %x) -> (tensor<f64>, tensor<f64>) {
    scf.yield %b, %a : tensor<f64>, tensor<f64>
  }
  %y = cell.mul %x, %r#1 : tensor<f64>
  return %y : tensor<f64>
}
func.func @main(%x: tensor<f64>, %n: tensor<i64>) -> (tensor<f64>, tensor<f64>) {
  %v, %g = cell.value_and_grad @f(%x, %n) wrt [0] outputs [0] : (tensor<f64>, tensor<i64>) -> (tensor<f64>, tensor<f64>)
  return %v, %g : tensor<f64>, tensor<f64>
}
