// Loops and branches on scalars, as another frontend would write them.
// REQUIRES: cell-run
// RUN: cell-run %s --input=f64=1.5 --input=4xf64=1,2,3,4 | FileCheck %s

// x^5 by repeated multiplication.
func.func private @power(%x: f64) -> f64 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c5 = arith.constant 5 : index
  %one = arith.constant 1.0 : f64
  %r = scf.for %i = %c0 to %c5 step %c1 iter_args(%p = %one) -> f64 {
    %q = arith.mulf %p, %x : f64
    scf.yield %q : f64
  }
  return %r : f64
}
// The sum of squares, element by element; negative ones would count linearly.
func.func private @norm(%x: tensor<4xf64>) -> f64 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %zero = arith.constant 0.0 : f64
  %r = scf.for %i = %c0 to %c4 step %c1 iter_args(%sum = %zero) -> f64 {
    %e = tensor.extract %x[%i] : tensor<4xf64>
    %positive = arith.cmpf ogt, %e, %zero : f64
    %term = scf.if %positive -> f64 {
      %s = arith.mulf %e, %e : f64
      scf.yield %s : f64
    } else {
      scf.yield %e : f64
    }
    %next = arith.addf %sum, %term : f64
    scf.yield %next : f64
  }
  return %r : f64
}
// Doubles until it passes 20: 1.5 -> 24, four times.
func.func private @until(%x: f64) -> f64 {
  %limit = arith.constant 20.0 : f64
  %r = scf.while (%a = %x) : (f64) -> f64 {
    %go = arith.cmpf olt, %a, %limit : f64
    scf.condition(%go) %a : f64
  } do {
  ^bb0(%a: f64):
    %b = arith.addf %a, %a : f64
    scf.yield %b : f64
  }
  %s = arith.mulf %r, %r : f64
  return %s : f64
}
func.func private @slope(%x: f64) -> f64 {
  %v, %g = cell.value_and_grad @power(%x) wrt [0] outputs [0] : (f64) -> (f64, f64)
  return %g : f64
}

func.func @main(%tx: tensor<f64>, %y: tensor<4xf64>) -> (tensor<3xf64>, tensor<4xf64>) {
  %x = tensor.extract %tx[] : tensor<f64>
  %0:2 = cell.value_and_grad @power(%x) wrt [0] outputs [0] : (f64) -> (f64, f64)
  %1:2 = cell.value_and_grad @slope(%x) wrt [0] outputs [0] : (f64) -> (f64, f64)
  %2:2 = cell.value_and_grad @until(%x) wrt [0] outputs [0] : (f64) -> (f64, f64)
  // 5 x^4, 20 x^3, 2 * 16^2 x.
  // CHECK: result 0: {{.*}} = [25.3125, 67.5, 768]
  %all = tensor.from_elements %0#1, %1#1, %2#1 : tensor<3xf64>
  // CHECK: result 1: {{.*}} = [2, 4, 6, 8]
  %3:2 = cell.value_and_grad @norm(%y) wrt [0] outputs [0] : (tensor<4xf64>) -> (f64, tensor<4xf64>)
  return %all, %3#1 : tensor<3xf64>, tensor<4xf64>
}
