// RUN: cell-opt %s --split-input-file --verify-diagnostics

func.func @float_indices(%x: tensor<2x3xf32>, %i: tensor<4xf32>) {
  // expected-error @+1 {{operand #1 must be ranked tensor of}}
  %0 = "cell.gather"(%x, %i) {axis = 0 : i64} : (tensor<2x3xf32>, tensor<4xf32>) -> tensor<4x3xf32>
  return
}

// -----

func.func @gather_axis(%x: tensor<f32>, %i: tensor<4xi32>) {
  // expected-error @+2 {{axis 0 is outside of a tensor of rank 0}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = cell.gather %x, %i {axis = 0 : i64} : (tensor<f32>, tensor<4xi32>) -> tensor<4xf32>
  return
}

// -----

func.func @updates(%x: tensor<2x3xf32>, %i: tensor<4xi32>, %u: tensor<3x4xf32>) {
  // expected-error @+2 {{adds to 'tensor<2x3xf32>' along axis 0 at indices 'tensor<4xi32>': updates must be 'tensor<4x3xf32>', but they are 'tensor<3x4xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = cell.scatter_add %x, %i, %u {axis = 0 : i64} : (tensor<2x3xf32>, tensor<4xi32>, tensor<3x4xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @iota_bool() {
  // expected-error @+2 {{'cell.iota' cannot count in bool}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = cell.iota {shape = array<i64: 3>, axis = 0 : i64, dtype = i1} : () -> tensor<3xi1>
  return
}

// -----

func.func @iota_negative() {
  // expected-error @+2 {{has a negative size in its shape}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = cell.iota {shape = array<i64: -3>, axis = 0 : i64, dtype = i32} : () -> tensor<3xi32>
  return
}

// -----

func.func @iota_dtype() {
  // expected-error @+2 {{cannot give elements of type 'none'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = cell.iota {shape = array<i64: 3>, axis = 0 : i64, dtype = none} : () -> tensor<3xi32>
  return
}

// -----

func.func @depth(%i: tensor<4xi32>) {
  // expected-error @+2 {{has the negative depth -1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = cell.one_hot %i {depth = -1 : i64, axis = 0 : i64, dtype = f32} : (tensor<4xi32>) -> tensor<1x4xf32>
  return
}
