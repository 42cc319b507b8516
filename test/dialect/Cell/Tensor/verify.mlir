// RUN: cell-opt %s --split-input-file --verify-diagnostics

func.func @permutation(%a: tensor<2x3xf32>) {
  // expected-error @+2 {{'cell.transpose' permutation [1, 1] must name each of the 2 dimensions of 'tensor<2x3xf32>' once}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = cell.transpose %a {permutation = array<i64: 1, 1>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
  return
}

// -----

func.func @slice_rank(%a: tensor<2x3xf32>) {
  // expected-error @+2 {{needs one start, limit and stride for each of the 2 dimensions of 'tensor<2x3xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = cell.slice %a {starts = array<i64: 0>, limits = array<i64: 2>, strides = array<i64: 1>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @slice_limit(%a: tensor<2x3xf32>) {
  // expected-error @+3 {{takes elements 0 to 4 of dimension 1 of 'tensor<2x3xf32>'}}
  // expected-note @+2 {{0 <= start <= limit <= size must hold}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = cell.slice %a {starts = array<i64: 0, 0>, limits = array<i64: 2, 4>, strides = array<i64: 1, 1>} : (tensor<2x3xf32>) -> tensor<2x4xf32>
  return
}

// -----

func.func @slice_stride(%a: tensor<2x3xf32>) {
  // expected-error @+2 {{has stride 0 in dimension 1, but strides are at least 1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = cell.slice %a {starts = array<i64: 0, 0>, limits = array<i64: 2, 3>, strides = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @pad_negative(%a: tensor<3xf32>) {
  // expected-error @+2 {{adds -1, 0 and 0 elements in dimension 0, but the counts must not be negative; cut with cell.slice}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = cell.pad %a {low = array<i64: -1>, high = array<i64: 0>, interior = array<i64: 0>, value = 0.0 : f64} : (tensor<3xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @pad_overflow(%a: tensor<3xf32>) {
  // expected-error @+2 {{makes dimension 0 of 'tensor<3xf32>' larger than can be counted}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = cell.pad %a {low = array<i64: 9223372036854775807>, high = array<i64: 1>, interior = array<i64: 0>, value = 0.0 : f64} : (tensor<3xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @concat_shapes(%a: tensor<2x3xf32>, %b: tensor<2x4xf32>) {
  // expected-error @+3 {{cannot join 'tensor<2x3xf32>' and 'tensor<2x4xf32>' (operand 1) along axis 0}}
  // expected-note @+2 {{dtype, rank and all other dimensions must be equal}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = cell.concat %a, %b {axis = 0 : i64} : (tensor<2x3xf32>, tensor<2x4xf32>) -> tensor<4x3xf32>
  return
}

// -----

func.func @concat_rank(%a: tensor<2x3xf32>, %b: tensor<2xf32>) {
  // expected-error @+3 {{cannot join 'tensor<2x3xf32>' and 'tensor<2xf32>' (operand 1) along axis 1}}
  // expected-note @+2 {{dtype, rank and all other dimensions must be equal}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = cell.concat %a, %b {axis = 1 : i64} : (tensor<2x3xf32>, tensor<2xf32>) -> tensor<4x3xf32>
  return
}

// -----

func.func @concat_axis(%a: tensor<2x3xf32>) {
  // expected-error @+2 {{axis 2 is outside of a tensor of rank 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = cell.concat %a {axis = 2 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @concat_nothing() {
  // expected-error @+2 {{needs operand 0, but got 0 operands}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = cell.concat {axis = 0 : i64} : () -> tensor<2x3xf32>
  return
}

// -----

func.func @reverse_axes(%a: tensor<2x3xf32>) {
  // expected-error @+2 {{axes must be distinct and in ascending order, but 0 follows 1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = cell.reverse %a {axes = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @too_large(%a: tensor<1xf32>) {
  // expected-error @+2 {{'cell.broadcast' cannot make a tensor of shape [4611686018427387904, 4]: it has too many elements}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = cell.broadcast %a {shape = array<i64: 4611686018427387904, 4>} : (tensor<1xf32>) -> tensor<4x4xf32>
  return
}
