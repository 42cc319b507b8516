// RUN: cell-opt %s --split-input-file --verify-diagnostics

func.func @main(%x: tensor<4xf32>) {
  // expected-error @+1 {{names @nothing, but there is no such function}}
  %v, %g = cell.value_and_grad @nothing(%x) wrt [0] outputs [0] : (tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return
}

// -----

// expected-note @+1 {{the function is @f}}
func.func private @f(%x: tensor<4xf32>) -> tensor<4xf32>
func.func @main(%x: tensor<4xf32>) {
  // expected-error @+1 {{names argument 1, but the function has 1}}
  %v, %g = cell.value_and_grad @f(%x) wrt [1] outputs [0] : (tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return
}

// -----

// expected-note @+1 {{the function is @f}}
func.func private @f(%x: tensor<4xf32>) -> tensor<4xf32>
func.func @main(%x: tensor<4xf32>) {
  // expected-error @+1 {{names one argument twice}}
  %v, %g, %h = cell.value_and_grad @f(%x) wrt [0, 0] outputs [0] : (tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  return
}

// -----

// expected-note @+1 {{the function is @f}}
func.func private @f(%x: tensor<4xf32>) -> tensor<4xf32>
func.func @main(%x: tensor<4xf32>) {
  // expected-error @+1 {{results must be the function's results followed by one gradient per entry of wrt}}
  %v = cell.value_and_grad @f(%x) wrt [0] outputs [0] : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

// expected-note @+1 {{the function is @f}}
func.func private @f(%x: tensor<4xf32>) -> tensor<2xf32>
func.func @main(%x: tensor<4xf32>) {
  // expected-error @+1 {{the cotangent of result 0 has another type than the result}}
  %v, %g = cell.vjp @f(%x) cotangents(%x) wrt [0] outputs [0] : (tensor<4xf32>), (tensor<4xf32>) -> (tensor<2xf32>, tensor<4xf32>)
  return
}

// -----

// expected-error @+1 {{result 0: 'cell.alias' names argument 3, but the function has 1 arguments}}
func.func @alias(%x: tensor<4xf32>) -> (tensor<4xf32> {cell.alias = 3 : i64}) {
  return %x : tensor<4xf32>
}

// -----

// expected-error @+1 {{result 0 of type 'tensor<4xf32>' cannot update argument 0 of type 'tensor<2xf32>'}}
func.func @alias_type(%x: tensor<2xf32>, %y: tensor<4xf32>) -> (tensor<4xf32> {cell.alias = 0 : i64}) {
  return %y : tensor<4xf32>
}

// -----

// expected-error @+1 {{argument 0: 'cell.param' is the name of a Parameter, a string}}
func.func @param(%x: tensor<2xf32> {cell.param = 1 : i64}) {
  return
}
