// RUN: cell-opt %s --convert-cell-to-linalg --split-input-file --verify-diagnostics

func.func private @f(%x: tensor<3xf32>) -> tensor<3xf32> {
  return %x : tensor<3xf32>
}
func.func @derivative(%x: tensor<3xf32>) -> tensor<3xf32> {
  // expected-error @+1 {{'cell.value_and_grad' op stands for a derivative and has no lowering to linalg; run cell-differentiate-pipeline first}}
  %0:2 = cell.value_and_grad @f(%x) wrt [0] outputs [0] : (tensor<3xf32>) -> (tensor<3xf32>, tensor<3xf32>)
  return %0#1 : tensor<3xf32>
}

// -----

// Every op that cannot go on is named, not only the first.
func.func @composite(%x: tensor<3xf32>) -> tensor<3xf32> {
  // expected-error @+1 {{'cell.softmax' op has no lowering to linalg}}
  %0 = cell.softmax %x {axis = 0 : i64} : (tensor<3xf32>) -> tensor<3xf32>
  // expected-error @+1 {{'cell.log_softmax' op has no lowering to linalg}}
  %1 = cell.log_softmax %0 {axis = 0 : i64} : (tensor<3xf32>) -> tensor<3xf32>
  return %1 : tensor<3xf32>
}
