// RUN: cell-opt %s --cell-differentiate --cell-print-saved --verify-diagnostics
// Each saved value is told at the op that made it, with the calls and trips multiplied out.

func.func private @layer(%x: tensor<4x4xf32>, %w: tensor<4x4xf32>) -> tensor<4x4xf32> {
  // expected-remark @+1 {{the result of 'cell.matmul' is saved: 64 bytes, 2 times}}
  %0 = cell.matmul %x, %w : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  // expected-note @+1 {{the derivative of 'cell.sin' needs it}}
  %1 = cell.sin %0 : tensor<4x4xf32>
  return %1 : tensor<4x4xf32>
}
func.func private @f(%x: tensor<4x4xf32>, %w: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %r = scf.for %k = %c0 to %c2 step %c1 iter_args(%a = %x) -> tensor<4x4xf32> {
    %0 = func.call @layer(%a, %w) : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
    scf.yield %0 : tensor<4x4xf32>
  }
  return %r : tensor<4x4xf32>
}
func.func @main(%x: tensor<4x4xf32>, %w: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %v, %g = cell.value_and_grad @f(%x, %w) wrt [0] outputs [0] : (tensor<4x4xf32>, tensor<4x4xf32>) -> (tensor<4x4xf32>, tensor<4x4xf32>)
  return %g : tensor<4x4xf32>
}
