// RUN: cell-opt %s --cell-differentiate | FileCheck %s
// A function with a derivative of its own keeps it: the rule is batched with the same map, and the gradient of what all examples share is the sum of theirs.

func.func private @rule(%w: tensor<4xf32>, %ct: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0 = cell.mul %w, %ct : tensor<4xf32>
  return %0, %ct : tensor<4xf32>, tensor<4xf32>
}
func.func private @f(%x: tensor<4xf32>, %w: tensor<4xf32>) -> tensor<4xf32>
    attributes {cell.custom_vjp = @rule, cell.custom_vjp_operands = array<i64: 1, 3>, cell.custom_vjp_gradients = array<i64: 0, 1>} {
  %0 = cell.mul %x, %w : tensor<4xf32>
  return %0 : tensor<4xf32>
}
// CHECK: func.func private @rule.batched(%{{.*}}: tensor<4xf32>, %{{.*}}: tensor<8x4xf32>) -> (tensor<8x4xf32>, tensor<8x4xf32>)
// CHECK: func.func private @rule.batched.summed
// CHECK: %[[G:.*]]:2 = call @rule.batched
// CHECK: %[[S:.*]] = cell.reduce_sum %[[G]]#1 {axes = array<i64: 0>
// CHECK: return %[[G]]#0, %[[S]] : tensor<8x4xf32>, tensor<4xf32>
// CHECK-LABEL: func.func private @f.batched.reverse
// CHECK: call @rule.batched.summed
func.func private @all(%x: tensor<8x4xf32>, %w: tensor<4xf32>) -> tensor<8x4xf32> {
  %0 = cell.vmap @f(%x, %w) in_axes [0, -1] out_axes [0] size 8 : (tensor<8x4xf32>, tensor<4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}
func.func @main(%x: tensor<8x4xf32>, %w: tensor<4xf32>) -> tensor<4xf32> {
  %0:2 = cell.value_and_grad @all(%x, %w) wrt [1] outputs [0] : (tensor<8x4xf32>, tensor<4xf32>) -> (tensor<8x4xf32>, tensor<4xf32>)
  return %0#1 : tensor<4xf32>
}
