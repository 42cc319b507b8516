// A function with a rule of its own, in both modes and on top of one another. The rules say 3 ct and 5 x t, which no derivative of x would.
// REQUIRES: cell-run
// RUN: cell-run %s --input=2xf64=2,-1 --input=2xf64=10,20 | FileCheck %s

func.func private @f(%x: tensor<2xf64>) -> tensor<2xf64>
    attributes {cell.custom_vjp = @vjp, cell.custom_vjp_operands = array<i64: 2, 0>, cell.custom_vjp_gradients = array<i64: 0>} {
  return %x : tensor<2xf64>
}
func.func private @vjp(%ct: tensor<2xf64>, %x: tensor<2xf64>) -> tensor<2xf64> {
  %3 = cell.constant dense<3.0> : tensor<2xf64>
  %0 = cell.mul %ct, %3 : tensor<2xf64>
  %1 = cell.mul %0, %x : tensor<2xf64>
  return %1 : tensor<2xf64>
}
// Equal to @f but for its rule: the two are not merged.
func.func private @g(%x: tensor<2xf64>) -> tensor<2xf64> attributes {cell.custom_jvp = @jvp, cell.custom_jvp_operands = array<i64: 1, 0>} {
  return %x : tensor<2xf64>
}
func.func private @jvp(%t: tensor<2xf64>, %x: tensor<2xf64>) -> tensor<2xf64> {
  %5 = cell.constant dense<5.0> : tensor<2xf64>
  %0 = cell.mul %t, %5 : tensor<2xf64>
  %1 = cell.mul %0, %x : tensor<2xf64>
  return %1 : tensor<2xf64>
}
func.func private @pullF(%x: tensor<2xf64>) -> tensor<2xf64> {
  %r:2 = cell.value_and_grad @f(%x) wrt [0] outputs [0] : (tensor<2xf64>) -> (tensor<2xf64>, tensor<2xf64>)
  return %r#1 : tensor<2xf64>
}
func.func @main(%x: tensor<2xf64>, %t: tensor<2xf64>) -> (tensor<2xf64>, tensor<2xf64>, tensor<2xf64>, tensor<2xf64>, tensor<2xf64>) {
  // CHECK: result 0: {{.*}} = [6, -3]
  %0 = call @pullF(%x) : (tensor<2xf64>) -> tensor<2xf64>
  // The rule transposed.
  // CHECK: result 1: {{.*}} = [60, -60]
  %1:2 = cell.jvp @f(%x) tangents(%t) wrt [0] outputs [0] : (tensor<2xf64>), (tensor<2xf64>) -> (tensor<2xf64>, tensor<2xf64>)
  // CHECK: result 2: {{.*}} = [100, -100]
  %2:2 = cell.jvp @g(%x) tangents(%t) wrt [0] outputs [0] : (tensor<2xf64>), (tensor<2xf64>) -> (tensor<2xf64>, tensor<2xf64>)
  // CHECK: result 3: {{.*}} = [10, -5]
  %3:2 = cell.value_and_grad @g(%x) wrt [0] outputs [0] : (tensor<2xf64>) -> (tensor<2xf64>, tensor<2xf64>)
  // The rule is differentiated in its turn.
  // CHECK: result 4: {{.*}} = [3, 3]
  %4:2 = cell.value_and_grad @pullF(%x) wrt [0] outputs [0] : (tensor<2xf64>) -> (tensor<2xf64>, tensor<2xf64>)
  return %0, %1#1, %2#1, %3#1, %4#1 : tensor<2xf64>, tensor<2xf64>, tensor<2xf64>, tensor<2xf64>, tensor<2xf64>
}
