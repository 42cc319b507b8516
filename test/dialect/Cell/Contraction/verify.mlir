// RUN: cell-opt %s --split-input-file --verify-diagnostics

func.func @inner(%a: tensor<2x3xf32>, %b: tensor<4x5xf32>) {
  // expected-error @+2 {{multiplies 2x3 by 5x4 matrices, but the inner sizes 3 and 5 differ: operands are 'tensor<2x3xf32>' and 'tensor<4x5xf32>' transposed}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = cell.matmul %a, %b {transpose_b = true} : (tensor<2x3xf32>, tensor<4x5xf32>) -> tensor<2x4xf32>
  return
}

// -----

func.func @batch(%a: tensor<6x2x3xf32>, %b: tensor<7x3x2xf32>) {
  // expected-error @+3 {{takes operands with equal leading dimensions, but got 'tensor<6x2x3xf32>' and 'tensor<7x3x2xf32>'}}
  // expected-note @+2 {{bring them to one shape with cell.broadcast}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = cell.matmul %a, %b : (tensor<6x2x3xf32>, tensor<7x3x2xf32>) -> tensor<6x2x2xf32>
  return
}

// -----

func.func @vector(%a: tensor<3xf32>, %b: tensor<3x2xf32>) {
  // expected-error @+2 {{takes operands of rank 2 and more, but got 'tensor<3xf32>' and 'tensor<3x2xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = cell.matmul %a, %b : (tensor<3xf32>, tensor<3x2xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @dtypes(%a: tensor<3x3xf32>, %b: tensor<3x3xf16>) {
  // expected-error @+3 {{takes operands of one dtype, but got 'tensor<3x3xf32>' and 'tensor<3x3xf16>'}}
  // expected-note @+2 {{convert one of them with cell.cast}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = cell.matmul %a, %b : (tensor<3x3xf32>, tensor<3x3xf16>) -> tensor<3x3xf32>
  return
}

// -----

func.func @channels(%x: tensor<1x4x5x5xf32>, %w: tensor<6x3x3x3xf32>) {
  // expected-error @+2 {{x has 4 channels, but the filter takes 3 in each of 1 groups: x is 'tensor<1x4x5x5xf32>', w is 'tensor<6x3x3x3xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = cell.conv2d %x, %w : (tensor<1x4x5x5xf32>, tensor<6x3x3x3xf32>) -> tensor<1x6x3x3xf32>
  return
}

// -----

func.func @filters(%x: tensor<1x6x5x5xf32>, %w: tensor<5x3x3x3xf32>) {
  // expected-error @+2 {{cannot divide 5 filters into 2 groups: w is 'tensor<5x3x3x3xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = cell.conv2d %x, %w {groups = 2} : (tensor<1x6x5x5xf32>, tensor<5x3x3x3xf32>) -> tensor<1x5x3x3xf32>
  return
}

// -----

func.func @too_small(%x: tensor<1x3x4x9xf32>, %w: tensor<5x3x3x3xf32>) {
  // expected-error @+2 {{a window spans 7 elements along the height, but 'tensor<1x3x4x9xf32>' padded by 1 and 1 has only 6}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = cell.conv2d %x, %w {dilations = array<i64: 3, 1>, pads = array<i64: 1, 1, 0, 0>} : (tensor<1x3x4x9xf32>, tensor<5x3x3x3xf32>) -> tensor<1x5x1x7xf32>
  return
}

// -----

func.func @strides(%x: tensor<1x3x4x9xf32>, %w: tensor<5x3x3x3xf32>) {
  // expected-error @+2 {{'strides' has the entry 0, but each must be between 1 and}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = cell.conv2d %x, %w {strides = array<i64: 0, 1>} : (tensor<1x3x4x9xf32>, tensor<5x3x3x3xf32>) -> tensor<1x5x1x7xf32>
  return
}

// -----

func.func @pads(%x: tensor<1x3x4x9xf32>, %w: tensor<5x3x3x3xf32>) {
  // expected-error @+2 {{'pads' needs 4 entries, but has 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = cell.conv2d %x, %w {pads = array<i64: 0, 1>} : (tensor<1x3x4x9xf32>, tensor<5x3x3x3xf32>) -> tensor<1x5x1x7xf32>
  return
}

// -----

func.func @no_groups(%x: tensor<1x3x4x9xf32>, %w: tensor<5x3x3x3xf32>) {
  // expected-error @+2 {{'groups' is 0, but must be at least 1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = cell.conv2d %x, %w {groups = 0} : (tensor<1x3x4x9xf32>, tensor<5x3x3x3xf32>) -> tensor<1x5x1x7xf32>
  return
}

// -----

func.func @cotangent(%dy: tensor<1x5x2x6xf32>, %w: tensor<5x3x3x3xf32>) {
  // expected-error @+2 {{dy is 'tensor<1x5x2x6xf32>', but the convolution of an x of 1x3x4x9 with a w of 5x3x3x3 gives 1x5x2x7}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = cell.conv2d_input_grad %dy, %w {input_size = array<i64: 4, 9>} : (tensor<1x5x2x6xf32>, tensor<5x3x3x3xf32>) -> tensor<1x3x4x9xf32>
  return
}

// -----

func.func @groups_of_x(%x: tensor<1x3x4x9xf32>, %dy: tensor<1x4x2x7xf32>) {
  // expected-error @+2 {{cannot divide 3 channels into 2 groups: x is 'tensor<1x3x4x9xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = cell.conv2d_weight_grad %x, %dy {kernel_size = array<i64: 3, 3>, groups = 2} : (tensor<1x3x4x9xf32>, tensor<1x4x2x7xf32>) -> tensor<4x1x3x3xf32>
  return
}
