// RUN: cell-opt %s --cell-differentiate --cell-simplify | FileCheck %s
// The derivative of a derivative: d2/dx2 of x * x * x, the inner one written out first.

func.func private @cube(%x: tensor<f64>) -> tensor<f64> {
  %0 = cell.mul %x, %x : tensor<f64>
  %1 = cell.mul %0, %x : tensor<f64>
  return %1 : tensor<f64>
}
func.func private @slope(%x: tensor<f64>) -> tensor<f64> {
  %v, %g = cell.value_and_grad @cube(%x) wrt [0] outputs [0] : (tensor<f64>) -> (tensor<f64>, tensor<f64>)
  return %g : tensor<f64>
}
func.func @main(%x: tensor<f64>) -> tensor<f64> {
  %v, %g = cell.value_and_grad @slope(%x) wrt [0] outputs [0] : (tensor<f64>) -> (tensor<f64>, tensor<f64>)
  return %g : tensor<f64>
}
// CHECK-LABEL: func.func @main
// CHECK-NOT: cell.value_and_grad
// CHECK-NOT: cell.mul {{.*}}, %{{.*}} : tensor<4
// CHECK: cell.add
// CHECK: return
