// What is the same in every trip, rows that each trip reads, and the trip itself as a number: sum over k of k * w * x[k].
// REQUIRES: cell-run
// RUN: cell-run %s --input=1,2,3,4 --input=5 | FileCheck %s

// CHECK: result 0: tensor<4xf64> = [0, 5, 10, 15]
// CHECK: result 1: tensor<1xf64> = [20]
func.func private @f(%x: tensor<4xf64>, %w: tensor<1xf64>) -> tensor<1xf64> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %init = cell.constant dense<0.0> : tensor<1xf64>
  %r = scf.for %k = %c0 to %c4 step %c1 iter_args(%a = %init) -> tensor<1xf64> {
    %i = arith.index_cast %k : index to i64
    %t = tensor.from_elements %i : tensor<i64>
    %f = cell.cast %t {dtype = f64} : (tensor<i64>) -> tensor<f64>
    %fk = cell.reshape %f {shape = array<i64: 1>} : (tensor<f64>) -> tensor<1xf64>
    %s = cell.dynamic_slice %x, %t {sizes = array<i64: 1>} : (tensor<4xf64>, tensor<i64>) -> tensor<1xf64>
    %0 = cell.mul %s, %w : tensor<1xf64>
    %1 = cell.mul %0, %fk : tensor<1xf64>
    %b = cell.add %a, %1 : tensor<1xf64>
    scf.yield %b : tensor<1xf64>
  }
  return %r : tensor<1xf64>
}
func.func @main(%x: tensor<4xf64>, %w: tensor<1xf64>) -> (tensor<4xf64>, tensor<1xf64>) {
  %v, %g:2 = cell.value_and_grad @f(%x, %w) wrt [0, 1] outputs [0] : (tensor<4xf64>, tensor<1xf64>) -> (tensor<1xf64>, tensor<4xf64>, tensor<1xf64>)
  return %g#0, %g#1 : tensor<4xf64>, tensor<1xf64>
}
