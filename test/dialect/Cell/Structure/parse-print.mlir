// RUN: cell-opt %s | cell-opt | FileCheck %s

func.func private @f(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32>
// CHECK-LABEL: func.func @main
// CHECK-SAME: {cell.param = "fc.weight"}, %{{.*}}: tensor<4xf32> {cell.donated})
// CHECK-SAME: {cell.alias = 0 : i64}
func.func @main(%x: tensor<4xf32> {cell.param = "fc.weight"}, %y: tensor<4xf32> {cell.donated}) -> (tensor<4xf32> {cell.alias = 0 : i64}) {
  // CHECK: cell.value_and_grad @f(%{{.*}}, %{{.*}}) wrt [1] outputs [0] : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  %v, %g = cell.value_and_grad @f(%x, %y) wrt [1] outputs [0] : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  // CHECK: cell.vjp @f(%{{.*}}, %{{.*}}) cotangents(%{{.*}}) wrt [0] outputs [0] : (tensor<4xf32>, tensor<4xf32>), (tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  %w, %h = cell.vjp @f(%x, %y) cotangents(%g) wrt [0] outputs [0] : (tensor<4xf32>, tensor<4xf32>), (tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  // CHECK: cell.constant dense<1.000000e+00> : tensor<4xf32>
  %c = cell.constant dense<1.0> : tensor<4xf32>
  // CHECK: cell.stop_gradient %{{.*}} : (tensor<4xf32>) -> tensor<4xf32>
  %s = cell.stop_gradient %h : (tensor<4xf32>) -> tensor<4xf32>
  return %s : tensor<4xf32>
}
