// RUN: cell-opt %s --split-input-file --cell-differentiate --verify-diagnostics

func.func private @product(%x: tensor<3xf32>) -> tensor<f32> {
  %init = arith.constant dense<1.0> : tensor<f32>
  // expected-error@+1 {{'linalg.reduce' has no derivative for result 0: the body combines it with the value so far in another way than by addition, subtraction, maximum or minimum}}
  %r = linalg.reduce ins(%x : tensor<3xf32>) outs(%init : tensor<f32>) dimensions = [0] (%e: f32, %sum: f32) {
    // expected-note@+1 {{the value is yielded here}}
    %p = arith.mulf %e, %sum : f32
    linalg.yield %p : f32
  }
  return %r : tensor<f32>
}
func.func @main(%x: tensor<3xf32>) -> tensor<3xf32> {
  %0:2 = cell.value_and_grad @product(%x) wrt [0] outputs [0] : (tensor<3xf32>) -> (tensor<f32>, tensor<3xf32>)
  return %0#1 : tensor<3xf32>
}

// -----

#id = affine_map<(i) -> (i)>
// expected-note@+1 {{the value is made here; make it an operand}}
func.func private @lookup(%table: tensor<5xf32>, %at: tensor<3xi64>) -> tensor<3xf32> {
  %empty = tensor.empty() : tensor<3xf32>
  // expected-error@+1 {{'linalg.generic' has no derivative by a value that its body takes from outside}}
  %r = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%at : tensor<3xi64>) outs(%empty : tensor<3xf32>) {
  ^bb0(%i: i64, %old: f32):
    %k = arith.index_cast %i : i64 to index
    %e = tensor.extract %table[%k] : tensor<5xf32>
    linalg.yield %e : f32
  } -> tensor<3xf32>
  return %r : tensor<3xf32>
}
func.func @main(%table: tensor<5xf32>, %at: tensor<3xi64>) -> tensor<5xf32> {
  %0:2 = cell.value_and_grad @lookup(%table, %at) wrt [0] outputs [0] : (tensor<5xf32>, tensor<3xi64>) -> (tensor<3xf32>, tensor<5xf32>)
  return %0#1 : tensor<5xf32>
}

// -----

func.func private @bits(%x: f32) -> f32 {
  %0 = arith.bitcast %x : f32 to i32
  // An integer carries nothing, so this is no error: the derivative is zero.
  %1 = arith.bitcast %0 : i32 to f32
  return %1 : f32
}
func.func private @halves(%x: tensor<3xf16>) -> tensor<3xbf16> {
  // expected-error@+2 {{'arith.bitcast' has no derivative rule}}
  // expected-note@+1 {{implement DifferentiableOpInterface for it, or stop the derivative before it with cell.stop_gradient}}
  %0 = arith.bitcast %x : tensor<3xf16> to tensor<3xbf16>
  return %0 : tensor<3xbf16>
}
func.func @main(%x: f32, %y: tensor<3xf16>) -> (f32, tensor<3xf16>) {
  %0:2 = cell.value_and_grad @bits(%x) wrt [0] outputs [0] : (f32) -> (f32, f32)
  %1:2 = cell.value_and_grad @halves(%y) wrt [0] outputs [0] : (tensor<3xf16>) -> (tensor<3xbf16>, tensor<3xf16>)
  return %0#1, %1#1 : f32, tensor<3xf16>
}

// -----

#id = affine_map<(i) -> (i)>
func.func private @branch(%x: tensor<3xf32>) -> tensor<3xf32> {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<3xf32>
  %r = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%x : tensor<3xf32>) outs(%empty : tensor<3xf32>) {
  ^bb0(%e: f32, %old: f32):
    %c = arith.cmpf ogt, %e, %zero : f32
    // expected-error@+1 {{'scf.if' has no derivative rule inside the body of a linalg op; write it with arith.select}}
    %s = scf.if %c -> f32 {
      scf.yield %e : f32
    } else {
      scf.yield %zero : f32
    }
    linalg.yield %s : f32
  } -> tensor<3xf32>
  return %r : tensor<3xf32>
}
func.func @main(%x: tensor<3xf32>) -> tensor<3xf32> {
  %0:2 = cell.value_and_grad @branch(%x) wrt [0] outputs [0] : (tensor<3xf32>) -> (tensor<3xf32>, tensor<3xf32>)
  return %0#1 : tensor<3xf32>
}

// -----

// A buffer is not taken for a constant.
func.func private @buffer(%x: tensor<3xf32>) -> tensor<3xf32> {
  // expected-error@+1 {{a value of type 'memref<3xf32>' takes part in a derivative; only floats of 16 to 64 bits and ranked tensors of them can: differentiate before bufferization}}
  %0 = bufferization.to_buffer %x : tensor<3xf32> to memref<3xf32>
  %1 = bufferization.to_tensor %0 : memref<3xf32> to tensor<3xf32>
  return %1 : tensor<3xf32>
}
func.func @main(%x: tensor<3xf32>) -> tensor<3xf32> {
  %0:2 = cell.value_and_grad @buffer(%x) wrt [0] outputs [0] : (tensor<3xf32>) -> (tensor<3xf32>, tensor<3xf32>)
  return %0#1 : tensor<3xf32>
}

// -----

func.func private @complex(%x: f32) -> f32 {
  // expected-error@+1 {{a value of type 'complex<f32>' takes part in a derivative}}
  %0 = complex.create %x, %x : complex<f32>
  %1 = complex.abs %0 : complex<f32>
  return %1 : f32
}
func.func @main(%x: f32) -> f32 {
  %0:2 = cell.jvp @complex(%x) tangents(%x) wrt [0] outputs [0] : (f32), (f32) -> (f32, f32)
  return %0#1 : f32
}

// -----

// Arithmetic on vectors has rules, what moves data into and out of them has none.
func.func private @vector(%x: tensor<4xf32>) -> f32 {
  %c0 = arith.constant 0 : index
  %pad = arith.constant 0.0 : f32
  %0 = vector.transfer_read %x[%c0], %pad : tensor<4xf32>, vector<4xf32>
  %1 = arith.mulf %0, %0 : vector<4xf32>
  // expected-error@+2 {{'vector.reduction' has no derivative rule}}
  // expected-note@+1 {{implement DifferentiableOpInterface}}
  %2 = vector.reduction <add>, %1 : vector<4xf32> into f32
  return %2 : f32
}
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0:2 = cell.value_and_grad @vector(%x) wrt [0] outputs [0] : (tensor<4xf32>) -> (f32, tensor<4xf32>)
  return %0#1 : tensor<4xf32>
}
