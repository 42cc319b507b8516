// RUN: cell-opt %s --cell-differentiate --split-input-file --verify-diagnostics

// An op without a rule names itself and the way out.
func.func private @f(%x: tensor<4xf16>) -> tensor<4xf16> {
  %0 = arith.bitcast %x : tensor<4xf16> to tensor<4xbf16>
  // expected-error @+2 {{'arith.bitcast' has no derivative rule}}
  // expected-note @+1 {{implement DifferentiableOpInterface for it, or stop the derivative before it with cell.stop_gradient}}
  %1 = arith.bitcast %0 : tensor<4xbf16> to tensor<4xf16>
  return %1 : tensor<4xf16>
}
func.func @main(%x: tensor<4xf16>) -> tensor<4xf16> {
  %v, %g = cell.value_and_grad @f(%x) wrt [0] outputs [0] : (tensor<4xf16>) -> (tensor<4xf16>, tensor<4xf16>)
  return %g : tensor<4xf16>
}

// -----

func.func private @declared(%x: tensor<4xf32>) -> tensor<4xf32>
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{@declared has no body of one block, so its derivative is unknown}}
  %v, %g = cell.value_and_grad @declared(%x) wrt [0] outputs [0] : (tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %g : tensor<4xf32>
}

// -----

// expected-error @+1 {{@f calls itself; recursion cannot be differentiated}}
func.func private @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = call @f(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %v, %g = cell.value_and_grad @f(%x) wrt [0] outputs [0] : (tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %g : tensor<4xf32>
}
