// RUN: cell-opt %s --cell-differentiate --split-input-file --verify-diagnostics

func.func private @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-note@below {{it is computed here}}
  %0 = cell.exp %x : tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func @main(%x: tensor<8x4xf32>) -> tensor<4xf32> {
  // expected-error@below {{vmap: result 0 depends on a batched operand, so that it has no single value for all examples: give it an axis in out_axes, not None}}
  %0 = cell.vmap @f(%x) in_axes [0] out_axes [-1] size 8 : (tensor<8x4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func private @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error@below {{'linalg.softmax' has no rule for vmap}}
  // expected-note@below {{give it CompositeOpInterface or ElementwiseOpInterface, or compute what needs it outside of the mapped function}}
  %0 = linalg.softmax dimension(0) ins(%x : tensor<4xf32>) outs(%x : tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func @main(%x: tensor<8x4xf32>) -> tensor<8x4xf32> {
  %0 = cell.vmap @f(%x) in_axes [0] out_axes [0] size 8 : (tensor<8x4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}

// -----

func.func private @f(%x: tensor<4xf32>) -> tensor<4xf32>
func.func @main(%x: tensor<8x4xf32>) -> tensor<8x4xf32> {
  // expected-error@below {{@f has no body of one block, so it cannot be batched}}
  %0 = cell.vmap @f(%x) in_axes [0] out_axes [0] size 8 : (tensor<8x4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}

// -----

func.func private @f(%x: tensor<?xf32>) -> tensor<?xf32> {
  // expected-error@below {{'cell.exp' cannot be batched: vmap needs tensors with known sizes and dtypes of cell, but 'tensor<?xf32>' is none}}
  %0 = cell.exp %x : tensor<?xf32>
  return %0 : tensor<?xf32>
}
func.func @main(%x: tensor<8x?xf32>) -> tensor<8x?xf32> {
  %0 = cell.vmap @f(%x) in_axes [0] out_axes [0] size 8 : (tensor<8x?xf32>) -> tensor<8x?xf32>
  return %0 : tensor<8x?xf32>
}

// -----

func.func private @f(%x: tensor<4xf32>, %p: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  // expected-note@below {{the value is computed here}}
  %0 = cell.add %x, %p : tensor<4xf32>
  return %0, %0 : tensor<4xf32>, tensor<4xf32>
}
func.func @main(%x: tensor<8x4xf32>, %p: tensor<4xf32>) -> (tensor<8x4xf32>, tensor<4xf32>) {
  // expected-error@below {{vmap: Parameter 'p' is assigned a value that differs between the examples of the batch}}
  // expected-note@below {{return the value and reduce it over the batch outside of vmap, or assign one that does not depend on the batched inputs}}
  %0:2 = cell.vmap @f(%x, %p) in_axes [0, -1] out_axes [0, -1] size 8 {written = ["Parameter 'p'"]} : (tensor<8x4xf32>, tensor<4xf32>) -> (tensor<8x4xf32>, tensor<4xf32>)
  return %0#0, %0#1 : tensor<8x4xf32>, tensor<4xf32>
}

// -----

// expected-error@below {{@f calls itself; recursion cannot be differentiated}}
func.func private @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = call @f(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func @main(%x: tensor<8x4xf32>) -> tensor<8x4xf32> {
  %0 = cell.vmap @f(%x) in_axes [0] out_axes [0] size 8 : (tensor<8x4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}

// -----

func.func private @f(%c: tensor<i1>, %t: !cell.tape<tensor<4xf32>>, %x: tensor<4xf32>) -> !cell.tape<tensor<4xf32>> {
  %i = tensor.extract %c[] : tensor<i1>
  // expected-error@below {{carries a tape, but examples of the batch go different ways here}}
  %0 = scf.if %i -> !cell.tape<tensor<4xf32>> {
    %1 = cell.tape_push %t, %x : !cell.tape<tensor<4xf32>>
    scf.yield %1 : !cell.tape<tensor<4xf32>>
  } else {
    scf.yield %t : !cell.tape<tensor<4xf32>>
  }
  return %0 : !cell.tape<tensor<4xf32>>
}
func.func private @g(%c: tensor<i1>, %x: tensor<4xf32>) -> tensor<4xf32> {
  %t = cell.tape_create : !cell.tape<tensor<4xf32>>
  %0 = call @f(%c, %t, %x) : (tensor<i1>, !cell.tape<tensor<4xf32>>, tensor<4xf32>) -> !cell.tape<tensor<4xf32>>
  %1, %v = cell.tape_pop %0 : !cell.tape<tensor<4xf32>>
  return %v : tensor<4xf32>
}
func.func @main(%c: tensor<8xi1>, %x: tensor<8x4xf32>) -> tensor<8x4xf32> {
  %0 = cell.vmap @g(%c, %x) in_axes [0, 0] out_axes [0] size 8 : (tensor<8xi1>, tensor<8x4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}
