// RUN: cell-opt %s --split-input-file --verify-diagnostics

func.func @axis(%x: tensor<2x3xf32>) {
  // expected-error @+2 {{'cell.reduce_mean' axis 2 is outside of a tensor of rank 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = cell.reduce_mean %x {axes = array<i64: 2>, keepdims = false} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @max_of_nothing(%x: tensor<2x0xf32>) {
  // expected-error @+2 {{'cell.reduce_max' of nothing is not defined: dimension 1 of 'tensor<2x0xf32>' has size 0}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = cell.reduce_max %x {axes = array<i64: 1>, keepdims = false} : (tensor<2x0xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @argmin_of_nothing(%x: tensor<2x0xf32>) {
  // expected-error @+2 {{'cell.argmin' of nothing is not defined: dimension 1 of 'tensor<2x0xf32>' has size 0}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = cell.argmin %x {axis = 1 : i64, keepdims = false} : (tensor<2x0xf32>) -> tensor<2xi64>
  return
}

// -----

func.func @cumsum_axis(%x: tensor<f32>) {
  // expected-error @+2 {{'cell.cumsum' axis 0 is outside of a tensor of rank 0}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = cell.cumsum %x {axis = 0 : i64, exclusive = false, reverse = false} : (tensor<f32>) -> tensor<f32>
  return
}
