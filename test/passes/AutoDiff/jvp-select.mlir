// RUN: cell-opt %s --cell-differentiate | FileCheck %s
// A partial that is a condition selects the tangent: an inf or NaN of an element not taken does not get through.

// CHECK-LABEL: func.func private @f.jvp
// CHECK-SAME: %[[T:[a-z0-9]*]]: tensor<4xf32>) ->
// CHECK: cell.select %{{.*}}, %[[T]], %{{.*}}
// CHECK-NOT: cell.mul
// CHECK: return
func.func private @f(%c: tensor<4xi1>, %x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  %0 = cell.select %c, %x, %y : (tensor<4xi1>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func @main(%c: tensor<4xi1>, %x: tensor<4xf32>) -> tensor<4xf32> {
  %r:2 = cell.jvp @f(%c, %x, %x) tangents(%x) wrt [1] outputs [0] : (tensor<4xi1>, tensor<4xf32>, tensor<4xf32>), (tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %r#1 : tensor<4xf32>
}
