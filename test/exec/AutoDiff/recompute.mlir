// A function that is computed again has the same derivatives, also of second order and within another of its kind.
// REQUIRES: cell-run
// RUN: cell-run %s --input=2xf64=2,-1 | FileCheck %s

func.func private @inner(%x: tensor<2xf64>) -> tensor<2xf64> attributes {cell.recompute} {
  %0 = cell.mul %x, %x : tensor<2xf64>
  return %0 : tensor<2xf64>
}
func.func private @f(%x: tensor<2xf64>) -> tensor<2xf64> attributes {cell.recompute} {
  %0 = call @inner(%x) : (tensor<2xf64>) -> tensor<2xf64>
  %1 = cell.mul %0, %x : tensor<2xf64>
  return %1 : tensor<2xf64>
}
func.func private @slope(%x: tensor<2xf64>) -> tensor<2xf64> {
  %r:2 = cell.value_and_grad @f(%x) wrt [0] outputs [0] : (tensor<2xf64>) -> (tensor<2xf64>, tensor<2xf64>)
  return %r#1 : tensor<2xf64>
}
func.func @main(%x: tensor<2xf64>) -> (tensor<2xf64>, tensor<2xf64>, tensor<2xf64>) {
  // CHECK: result 0: {{.*}} = [12, 3]
  %0 = call @slope(%x) : (tensor<2xf64>) -> tensor<2xf64>
  // CHECK: result 1: {{.*}} = [12, -6]
  %1:2 = cell.value_and_grad @slope(%x) wrt [0] outputs [0] : (tensor<2xf64>) -> (tensor<2xf64>, tensor<2xf64>)
  // CHECK: result 2: {{.*}} = [24, 6]
  %2:2 = cell.jvp @slope(%x) tangents(%x) wrt [0] outputs [0] : (tensor<2xf64>), (tensor<2xf64>) -> (tensor<2xf64>, tensor<2xf64>)
  return %0, %1#1, %2#1 : tensor<2xf64>, tensor<2xf64>, tensor<2xf64>
}
