// RUN: cell-opt %s --cell-differentiate --split-input-file --verify-diagnostics
// Rules that do not fit their function name both.

// expected-error @+1 {{the rule @rule of @f is no function of this module}}
func.func private @f(%x: tensor<4xf32>) -> tensor<4xf32> attributes {cell.custom_vjp = @rule} {
  return %x : tensor<4xf32>
}

// -----

// expected-error @+1 {{the rule @rule of @f has 2 arguments, but 'cell.custom_vjp_operands' describes 1}}
func.func private @f(%x: tensor<4xf32>) -> tensor<4xf32>
    attributes {cell.custom_vjp = @rule, cell.custom_vjp_operands = array<i64: 0>, cell.custom_vjp_gradients = array<i64: 0>} {
  return %x : tensor<4xf32>
}
// expected-note @+1 {{the rule is @rule : '(tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>'}}
func.func private @rule(%x: tensor<4xf32>, %ct: tensor<4xf32>) -> tensor<4xf32> {
  return %ct : tensor<4xf32>
}

// -----

// expected-error @+1 {{the rule @rule of @f takes 'tensor<2xf32>' as argument 0, but that is the cotangent of result 0 of type 'tensor<4xf32>'}}
func.func private @f(%x: tensor<4xf32>) -> tensor<4xf32>
    attributes {cell.custom_vjp = @rule, cell.custom_vjp_operands = array<i64: 2>, cell.custom_vjp_gradients = array<i64: 0>} {
  return %x : tensor<4xf32>
}
// expected-note @+1 {{the rule is @rule}}
func.func private @rule(%ct: tensor<2xf32>) -> tensor<2xf32> {
  return %ct : tensor<2xf32>
}

// -----

// expected-error @+1 {{the rule @rule of @f gives 'tensor<2xf32>' as the gradient of argument 0 of type 'tensor<4xf32>'}}
func.func private @f(%x: tensor<4xf32>, %y: tensor<2xf32>) -> tensor<2xf32>
    attributes {cell.custom_vjp = @rule, cell.custom_vjp_operands = array<i64: 3>, cell.custom_vjp_gradients = array<i64: 0>} {
  return %y : tensor<2xf32>
}
// expected-note @+1 {{the rule is @rule}}
func.func private @rule(%ct: tensor<2xf32>) -> tensor<2xf32> {
  return %ct : tensor<2xf32>
}

// -----

// expected-error @+1 {{the rule @rule of @f gives 2 tangents, but the function has 1 results}}
func.func private @f(%x: tensor<4xf32>) -> tensor<4xf32> attributes {cell.custom_jvp = @rule, cell.custom_jvp_operands = array<i64: 1>} {
  return %x : tensor<4xf32>
}
// expected-note @+1 {{the rule is @rule}}
func.func private @rule(%t: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  return %t, %t : tensor<4xf32>, tensor<4xf32>
}

// -----

// A rule for the other direction is transposed, which needs it to be linear.
func.func private @f(%x: tensor<4xf32>) -> tensor<4xf32>
    attributes {cell.custom_vjp = @rule, cell.custom_vjp_operands = array<i64: 2>, cell.custom_vjp_gradients = array<i64: 0>} {
  return %x : tensor<4xf32>
}
// expected-error @+1 {{@rule is used as a derivative rule in the other direction, but it is not linear in its cotangents or tangents}}
func.func private @rule(%ct: tensor<4xf32>) -> tensor<4xf32> {
  %0 = cell.mul %ct, %ct : tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %v, %t = cell.jvp @f(%x) tangents(%x) wrt [0] outputs [0] : (tensor<4xf32>), (tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %t : tensor<4xf32>
}
