// RUN: cell-opt %s --results-to-arguments --split-input-file --verify-diagnostics

// expected-error @+1 {{result 1 of type 'tensor<4xf32>' cannot be tied to argument 0: it must be an argument of the same type that no other result is tied to}}
func.func @twice(%p: tensor<4xf32>, %g: tensor<4xf32>) -> (tensor<4xf32> {cell.alias = 0 : i64}, tensor<4xf32> {cell.alias = 0 : i64}) {
  return %g, %p : tensor<4xf32>, tensor<4xf32>
}

// -----

// expected-error @+1 {{result 0 of the program's first function has the type 'f32'; it must be a tensor}}
func.func @scalar(%p: tensor<f32>) -> f32 {
  %x = tensor.extract %p[] : tensor<f32>
  return %x : f32
}
