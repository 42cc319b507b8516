// RUN: cell-opt %s --cell-differentiate --split-input-file --verify-diagnostics

// An op without a rule has no tangent either.
func.func private @f(%x: tensor<4xf16>) -> tensor<4xf16> {
  // expected-error @+2 {{'arith.bitcast' has no derivative rule}}
  // expected-note @+1 {{implement DifferentiableOpInterface for it, or stop the derivative before it with cell.stop_gradient}}
  %0 = arith.bitcast %x : tensor<4xf16> to tensor<4xbf16>
  %1 = arith.bitcast %0 : tensor<4xbf16> to tensor<4xf16>
  return %1 : tensor<4xf16>
}
func.func @main(%x: tensor<4xf16>) -> tensor<4xf16> {
  %v, %t = cell.jvp @f(%x) tangents(%x) wrt [0] outputs [0] : (tensor<4xf16>), (tensor<4xf16>) -> (tensor<4xf16>, tensor<4xf16>)
  return %t : tensor<4xf16>
}

// -----

func.func private @declared(%x: tensor<4xf32>) -> tensor<4xf32>
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{@declared has no body of one block, so its derivative is unknown}}
  %v, %t = cell.jvp @declared(%x) tangents(%x) wrt [0] outputs [0] : (tensor<4xf32>), (tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %t : tensor<4xf32>
}
