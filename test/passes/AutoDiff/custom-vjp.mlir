// RUN: cell-opt %s --cell-differentiate | FileCheck %s
// A function's own rule takes the place of its derivative: what it names is saved, its result is the gradient. The attributes go.

// CHECK-NOT: cell.custom_vjp
// CHECK-LABEL: func.func private @f.reverse
// CHECK-SAME: (%[[R:.*]]: tensor<4xf32>, %[[X:.*]]: tensor<4xf32>, %[[CT:.*]]: tensor<4xf32>) -> tensor<4xf32>
// CHECK: call @rule(%[[R]], %[[CT]], %[[X]])
func.func private @f(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32>
    attributes {cell.custom_vjp = @rule, cell.custom_vjp_operands = array<i64: 2, 3, 0>, cell.custom_vjp_gradients = array<i64: 0>} {
  %0 = cell.exp %x : tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func private @rule(%r: tensor<4xf32>, %ct: tensor<4xf32>, %x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = cell.mul %r, %ct : tensor<4xf32>
  %1 = cell.mul %0, %x : tensor<4xf32>
  return %1 : tensor<4xf32>
}
// CHECK-LABEL: func.func @main
// CHECK: %[[V:.*]] = call @f(%arg0, %arg1)
// CHECK: %[[G:.*]] = call @f.reverse(%[[V]], %arg0, %{{.*}})
// The argument that the rule does not name has gradient 0.
// CHECK: %[[Z:.*]] = cell.constant dense<0.0
// CHECK: return %[[G]], %[[Z]]
func.func @main(%x: tensor<4xf32>, %y: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %r:3 = cell.value_and_grad @f(%x, %y) wrt [0, 1] outputs [0] : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  return %r#1, %r#2 : tensor<4xf32>, tensor<4xf32>
}
