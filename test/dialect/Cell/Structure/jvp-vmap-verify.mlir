// RUN: cell-opt %s -split-input-file -verify-diagnostics

// expected-note @+1 {{the function is @f}}
func.func private @f(tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
func.func @tangents(%a: tensor<3xf32>) {
  // expected-error @+1 {{needs one tangent per entry of wrt: 1, but got 2}}
  %v, %t = cell.jvp @f(%a, %a) tangents(%a, %a) wrt [0] outputs [0] : (tensor<3xf32>, tensor<3xf32>), (tensor<3xf32>, tensor<3xf32>) -> (tensor<3xf32>, tensor<3xf32>)
  return
}

// -----

// expected-note @+1 {{the function is @f}}
func.func private @f(tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
func.func @tangent_type(%a: tensor<3xf32>, %b: tensor<2xf32>) {
  // expected-error @+1 {{the tangent of argument 1 has another type than the argument}}
  %v, %t = cell.jvp @f(%a, %a) tangents(%b) wrt [1] outputs [0] : (tensor<3xf32>, tensor<3xf32>), (tensor<2xf32>) -> (tensor<3xf32>, tensor<3xf32>)
  return
}

// -----

// expected-note @+1 {{the function is @f}}
func.func private @f(tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
func.func @batch(%a: tensor<4x3xf32>, %b: tensor<3xf32>) {
  // expected-error @+1 {{operand 0 is no batch of 4 along axis 1 of the function's argument}}
  %v = cell.vmap @f(%a, %b) in_axes [1, -1] out_axes [0] size 4 : (tensor<4x3xf32>, tensor<3xf32>) -> tensor<4x3xf32>
  return
}
