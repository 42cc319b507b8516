// RUN: cell-opt %s --split-input-file --verify-diagnostics

func.func @key(%key: tensor<3xi64>) {
  // expected-error @+2 {{takes a key (seed, counter) of type tensor<2xi64>, but got 'tensor<3xi64>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = cell.random_bits %key {shape = array<i64: 2>} : (tensor<3xi64>) -> tensor<2xi32>
  return
}

// -----

func.func @dtype(%key: tensor<2xi64>) {
  // expected-error @+2 {{needs a 'dtype' of f16, bf16, f32 or f64, but got i32}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = cell.random_uniform %key {shape = array<i64: 2>, dtype = i32} : (tensor<2xi64>) -> tensor<2xi32>
  return
}

// -----

func.func @stream(%key: tensor<2xi64>) {
  // expected-error @+2 {{'stream' is -1, but must be between 0 and 4294967295}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = cell.random_bits %key {shape = array<i64: 2>, stream = -1} : (tensor<2xi64>) -> tensor<2xi32>
  return
}

// -----

func.func @negative(%key: tensor<2xi64>) {
  // expected-error @+2 {{cannot give a result of shape [2x-3]: a dimension is negative}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = cell.random_normal %key {shape = array<i64: 2, -3>, dtype = f32} : (tensor<2xi64>) -> tensor<2xf32>
  return
}

// -----

func.func @large(%key: tensor<2xi64>) {
  // expected-error @+2 {{cannot give a result of shape [1000000x1000000]: one draw has at most 2^34 words}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = cell.random_bits %key {shape = array<i64: 1000000, 1000000>} : (tensor<2xi64>) -> tensor<2xi32>
  return
}

// -----

func.func @probability(%x: tensor<2xf32>, %key: tensor<2xi64>) {
  // expected-error @+2 {{'p' is 1.500000e+00, but a probability is between 0 and 1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = cell.dropout %x, %key {p = 1.5} : (tensor<2xf32>, tensor<2xi64>) -> tensor<2xf32>
  return
}
