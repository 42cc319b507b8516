// RUN: cell-opt %s --split-input-file --verify-diagnostics

func.func @rank(%x: tensor<3x8x8xf32>) {
  // expected-error @+2 {{takes an NCHW tensor x of rank 4, but operand 0 is 'tensor<3x8x8xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = cell.max_pool2d %x {kernel = array<i64: 2, 2>} : (tensor<3x8x8xf32>) -> tensor<3x7x7xf32>
  return
}

// -----

func.func @kernel(%x: tensor<1x3x8x8xf32>) {
  // expected-error @+2 {{'kernel' needs 2 entries, but has 1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = cell.max_pool2d %x {kernel = array<i64: 2>} : (tensor<1x3x8x8xf32>) -> tensor<1x3x7x7xf32>
  return
}

// -----

func.func @padding_alone(%x: tensor<1x3x8x8xf32>) {
  // expected-error @+3 {{pads the width by 2 and 0, but a window spans 2 elements}}
  // expected-note @+2 {{a window would lie in the padding alone: each pad must be smaller than the span}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = cell.avg_pool2d %x {kernel = array<i64: 2, 2>, pads = array<i64: 0, 0, 2, 0>} : (tensor<1x3x8x8xf32>) -> tensor<1x3x7x9xf32>
  return
}

// -----

func.func @too_small(%x: tensor<1x3x8x3xf32>) {
  // expected-error @+2 {{a window spans 5 elements along the width, but 'tensor<1x3x8x3xf32>' padded by 0 and 0 has only 3}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = cell.max_pool2d %x {kernel = array<i64: 2, 3>, dilations = array<i64: 1, 2>} : (tensor<1x3x8x3xf32>) -> tensor<1x3x7x1xf32>
  return
}

// -----

func.func @cotangent(%x: tensor<1x3x8x8xf32>, %dy: tensor<1x3x5x4xf32>) {
  // expected-error @+2 {{dy is 'tensor<1x3x5x4xf32>', but pooling an x of 1x3x8x8 gives 'tensor<1x3x4x4xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = cell.max_pool2d_grad %x, %dy {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>} : (tensor<1x3x8x8xf32>, tensor<1x3x5x4xf32>) -> tensor<1x3x8x8xf32>
  return
}

// -----

func.func @mean_cotangent(%dy: tensor<1x3x5x4xf32>) {
  // expected-error @+2 {{dy is 'tensor<1x3x5x4xf32>', but pooling an x of 1x3x8x8 gives 'tensor<1x3x4x4xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = cell.avg_pool2d_grad %dy {input_size = array<i64: 8, 8>, kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>} : (tensor<1x3x5x4xf32>) -> tensor<1x3x8x8xf32>
  return
}
