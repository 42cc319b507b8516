// Gradients of arith ops, on scalars and on tensors.
// REQUIRES: cell-run
// RUN: cell-run %s --input=f64=7.5 --input=f64=2 --input=3xf64=1,2,5 --input=3xf64=2,2,-1 | FileCheck %s

func.func private @quotient(%x: f64, %y: f64) -> f64 {
  %0 = arith.divf %x, %y : f64
  %1 = arith.subf %0, %y : f64
  return %1 : f64
}
func.func private @remainder(%x: f64, %y: f64) -> f64 {
  %0 = arith.remf %x, %y : f64
  return %0 : f64
}
func.func private @narrow(%x: f64) -> f64 {
  %0 = arith.truncf %x : f64 to f32
  %1 = arith.mulf %0, %0 : f32
  %2 = arith.extf %1 : f32 to f64
  return %2 : f64
}
// An integer, also one computed from x, carries nothing.
func.func private @integers(%x: f64) -> f64 {
  %0 = arith.fptosi %x : f64 to i32
  %1 = arith.sitofp %0 : i32 to f64
  %2 = arith.mulf %1, %x : f64
  return %2 : f64
}
func.func private @largest(%a: tensor<3xf64>, %b: tensor<3xf64>) -> tensor<3xf64> {
  %0 = arith.maximumf %a, %b : tensor<3xf64>
  return %0 : tensor<3xf64>
}
func.func private @chosen(%a: tensor<3xf64>, %b: tensor<3xf64>) -> tensor<3xf64> {
  %0 = arith.cmpf olt, %a, %b : tensor<3xf64>
  %1 = arith.mulf %a, %b : tensor<3xf64>
  %2 = arith.select %0, %1, %b : tensor<3xi1>, tensor<3xf64>
  return %2 : tensor<3xf64>
}

func.func @main(%tx: tensor<f64>, %ty: tensor<f64>, %a: tensor<3xf64>, %b: tensor<3xf64>)
    -> (tensor<2xf64>, tensor<2xf64>, tensor<2xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>) {
  %x = tensor.extract %tx[] : tensor<f64>
  %y = tensor.extract %ty[] : tensor<f64>
  // CHECK: result 0: {{.*}} = [0.5, -2.875]
  %0:3 = cell.value_and_grad @quotient(%x, %y) wrt [0, 1] outputs [0] : (f64, f64) -> (f64, f64, f64)
  %r0 = tensor.from_elements %0#1, %0#2 : tensor<2xf64>
  // CHECK: result 1: {{.*}} = [1, -3]
  %1:3 = cell.value_and_grad @remainder(%x, %y) wrt [0, 1] outputs [0] : (f64, f64) -> (f64, f64, f64)
  %r1 = tensor.from_elements %1#1, %1#2 : tensor<2xf64>
  // CHECK: result 2: {{.*}} = [15, 7]
  %2:2 = cell.value_and_grad @narrow(%x) wrt [0] outputs [0] : (f64) -> (f64, f64)
  %3:2 = cell.value_and_grad @integers(%x) wrt [0] outputs [0] : (f64) -> (f64, f64)
  %r2 = tensor.from_elements %2#1, %3#1 : tensor<2xf64>
  // A tie gives half to each.
  // CHECK: result 3: {{.*}} = [0, 0.5, 1]
  // CHECK: result 4: {{.*}} = [1, 0.5, 0]
  %4:3 = cell.value_and_grad @largest(%a, %b) wrt [0, 1] outputs [0] : (tensor<3xf64>, tensor<3xf64>) -> (tensor<3xf64>, tensor<3xf64>, tensor<3xf64>)
  // CHECK: result 5: {{.*}} = [2, 0, {{-?}}0]
  // CHECK: result 6: {{.*}} = [1, 1, 1]
  %5:3 = cell.value_and_grad @chosen(%a, %b) wrt [0, 1] outputs [0] : (tensor<3xf64>, tensor<3xf64>) -> (tensor<3xf64>, tensor<3xf64>, tensor<3xf64>)
  return %r0, %r1, %r2, %4#1, %4#2, %5#1, %5#2
    : tensor<2xf64>, tensor<2xf64>, tensor<2xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>
}
