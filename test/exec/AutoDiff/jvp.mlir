// Tangents against closed forms: forward mode, and every order of the modes on one another.
// REQUIRES: cell-run
// RUN: cell-run %s --input=2xf64=0.5,-1 --input=2xf64=2,3 | FileCheck %s

func.func private @f(%x: tensor<2xf64>, %y: tensor<2xf64>) -> tensor<2xf64> {
  %0 = cell.mul %x, %y : tensor<2xf64>
  %1 = cell.mul %0, %x : tensor<2xf64>
  return %1 : tensor<2xf64>
}
// d/dx (x^2 y) t = 2 x y t
func.func private @push(%x: tensor<2xf64>, %y: tensor<2xf64>, %t: tensor<2xf64>) -> tensor<2xf64> {
  %r:2 = cell.jvp @f(%x, %y) tangents(%t) wrt [0] outputs [0] : (tensor<2xf64>, tensor<2xf64>), (tensor<2xf64>) -> (tensor<2xf64>, tensor<2xf64>)
  return %r#1 : tensor<2xf64>
}
// 2 x y
func.func private @pull(%x: tensor<2xf64>, %y: tensor<2xf64>) -> tensor<2xf64> {
  %r:2 = cell.value_and_grad @f(%x, %y) wrt [0] outputs [0] : (tensor<2xf64>, tensor<2xf64>) -> (tensor<2xf64>, tensor<2xf64>)
  return %r#1 : tensor<2xf64>
}
func.func @main(%x: tensor<2xf64>, %y: tensor<2xf64>) -> (tensor<2xf64>, tensor<2xf64>, tensor<2xf64>, tensor<2xf64>, tensor<2xf64>) {
  %one = cell.constant dense<1.0> : tensor<2xf64>
  // CHECK: result 0: {{.*}} = [2, -6]
  %0 = call @push(%x, %y, %one) : (tensor<2xf64>, tensor<2xf64>, tensor<2xf64>) -> tensor<2xf64>
  // Both arguments: 2 x y + x^2.
  // CHECK: result 1: {{.*}} = [2.25, -5]
  %1:2 = cell.jvp @f(%x, %y) tangents(%one, %one) wrt [1, 0] outputs [0] : (tensor<2xf64>, tensor<2xf64>), (tensor<2xf64>, tensor<2xf64>) -> (tensor<2xf64>, tensor<2xf64>)
  // Forward over reverse, forward over forward: 2 y.
  // CHECK: result 2: {{.*}} = [4, 6]
  %2:2 = cell.jvp @pull(%x, %y) tangents(%one) wrt [0] outputs [0] : (tensor<2xf64>, tensor<2xf64>), (tensor<2xf64>) -> (tensor<2xf64>, tensor<2xf64>)
  // CHECK: result 3: {{.*}} = [4, 6]
  %3:2 = cell.jvp @push(%x, %y, %one) tangents(%one) wrt [0] outputs [0] : (tensor<2xf64>, tensor<2xf64>, tensor<2xf64>), (tensor<2xf64>) -> (tensor<2xf64>, tensor<2xf64>)
  // Reverse over forward, by y: 2 x.
  // CHECK: result 4: {{.*}} = [1, -2]
  %4:2 = cell.value_and_grad @push(%x, %y, %one) wrt [1] outputs [0] : (tensor<2xf64>, tensor<2xf64>, tensor<2xf64>) -> (tensor<2xf64>, tensor<2xf64>)
  return %0, %1#1, %2#1, %3#1, %4#1 : tensor<2xf64>, tensor<2xf64>, tensor<2xf64>, tensor<2xf64>, tensor<2xf64>
}
