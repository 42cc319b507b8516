// RUN: cell-opt %s -split-input-file -verify-diagnostics

func.func @too_large(%a: tensor<2x3xf32>, %i: tensor<i64>) {
  // expected-error @+2 {{takes a block of size 4 in dimension 1 of 'tensor<2x3xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %r = "cell.dynamic_slice"(%a, %i, %i) {sizes = array<i64: 1, 4>} : (tensor<2x3xf32>, tensor<i64>, tensor<i64>) -> tensor<1x4xf32>
  return
}

// -----

func.func @starts(%a: tensor<2x3xf32>, %i: tensor<i64>) {
  // expected-error @+2 {{needs one start and one size for each of the 2 dimensions of 'tensor<2x3xf32>', but got 1 and 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %r = "cell.dynamic_slice"(%a, %i) {sizes = array<i64: 1, 2>} : (tensor<2x3xf32>, tensor<i64>) -> tensor<1x2xf32>
  return
}

// -----

func.func @update_dtype(%a: tensor<2x3xf32>, %u: tensor<1x3xf64>, %i: tensor<i64>) {
  // expected-error @+2 {{writes 'tensor<1x3xf64>' into 'tensor<2x3xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %r = "cell.dynamic_update"(%a, %u, %i, %i) : (tensor<2x3xf32>, tensor<1x3xf64>, tensor<i64>, tensor<i64>) -> tensor<2x3xf32>
  return
}
