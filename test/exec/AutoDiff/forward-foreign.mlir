// Forward mode of upstream ops comes from their reverse rules: tangents against closed forms.
// REQUIRES: cell-run
// RUN: cell-run %s --input=3xf64=1,2,4 --input=3xf64=1,-1,2 --input=f64=0.5 | FileCheck %s

func.func private @scalar(%x: f64) -> f64 {
  %0 = math.exp %x : f64
  %1 = arith.mulf %0, %x : f64
  %2 = arith.divf %1, %x : f64
  return %2 : f64
}
// sum of x_i^3, the product with a linalg.dot.
func.func private @cubes(%x: tensor<3xf64>) -> tensor<f64> {
  %init = arith.constant dense<0.0> : tensor<f64>
  %0 = arith.mulf %x, %x : tensor<3xf64>
  %1 = linalg.dot ins(%0, %x : tensor<3xf64>, tensor<3xf64>) outs(%init : tensor<f64>) -> tensor<f64>
  return %1 : tensor<f64>
}
func.func private @largest(%x: tensor<3xf64>) -> tensor<f64> {
  %init = arith.constant dense<0xFFF0000000000000> : tensor<f64>
  %r = linalg.reduce { arith.maximumf } ins(%x : tensor<3xf64>) outs(%init : tensor<f64>) dimensions = [0]
  return %r : tensor<f64>
}
// The loop multiplies the elements.
func.func private @product(%x: tensor<3xf64>) -> f64 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %one = arith.constant 1.0 : f64
  %r = scf.for %i = %c0 to %c3 step %c1 iter_args(%p = %one) -> f64 {
    %e = tensor.extract %x[%i] : tensor<3xf64>
    %q = arith.mulf %p, %e : f64
    scf.yield %q : f64
  }
  return %r : f64
}
// Forward over reverse: the Hessian of @cubes times a vector.
func.func private @gradient(%x: tensor<3xf64>) -> tensor<3xf64> {
  %v, %g = cell.value_and_grad @cubes(%x) wrt [0] outputs [0] : (tensor<3xf64>) -> (tensor<f64>, tensor<3xf64>)
  return %g : tensor<3xf64>
}

func.func @main(%x: tensor<3xf64>, %t: tensor<3xf64>, %ts: tensor<f64>) -> (tensor<2xf64>, tensor<f64>, tensor<f64>, tensor<3xf64>) {
  %s = tensor.extract %ts[] : tensor<f64>
  %two = arith.constant 2.0 : f64
  %0:2 = cell.jvp @scalar(%s) tangents(%two) wrt [0] outputs [0] : (f64), (f64) -> (f64, f64)
  %1:2 = cell.jvp @product(%x) tangents(%t) wrt [0] outputs [0] : (tensor<3xf64>), (tensor<3xf64>) -> (f64, f64)
  // 2 e^0.5; 8 * 1 + 4 * -1 + 2 * 2.
  // CHECK: result 0: {{.*}} = [3.2974425{{[0-9]*}}, 8]
  %r = tensor.from_elements %0#1, %1#1 : tensor<2xf64>
  // 3 (1 * 1 - 4 * 1 + 16 * 2)
  // CHECK: result 1: {{.*}} = 87
  %2:2 = cell.jvp @cubes(%x) tangents(%t) wrt [0] outputs [0] : (tensor<3xf64>), (tensor<3xf64>) -> (tensor<f64>, tensor<f64>)
  // CHECK: result 2: {{.*}} = 2
  %3:2 = cell.jvp @largest(%x) tangents(%t) wrt [0] outputs [0] : (tensor<3xf64>), (tensor<3xf64>) -> (tensor<f64>, tensor<f64>)
  // CHECK: result 3: {{.*}} = [6, -12, 48]
  %4:2 = cell.jvp @gradient(%x) tangents(%t) wrt [0] outputs [0] : (tensor<3xf64>), (tensor<3xf64>) -> (tensor<3xf64>, tensor<3xf64>)
  return %r, %2#1, %3#1, %4#1 : tensor<2xf64>, tensor<f64>, tensor<f64>, tensor<3xf64>
}
