// RUN: cell-opt %s --cell-differentiate --split-input-file --verify-diagnostics
// Errors within regions are reported where the op is.

func.func private @f(%x: tensor<4xf32>, %n: index) -> tensor<4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = scf.for %k = %c0 to %n step %c1 iter_args(%a = %x) -> tensor<4xf32> {
    %0 = tensor.empty() : tensor<4xf32>
    // expected-error @+2 {{'scf.execute_region' has no derivative rule}}
    // expected-note @+1 {{implement DifferentiableOpInterface for it}}
    %b = scf.execute_region -> tensor<4xf32> {
      %c = cell.neg %a : tensor<4xf32>
      scf.yield %c : tensor<4xf32>
    }
    scf.yield %b : tensor<4xf32>
  }
  return %r : tensor<4xf32>
}
func.func @main(%x: tensor<4xf32>, %n: index) -> tensor<4xf32> {
  %v, %g = cell.value_and_grad @f(%x, %n) wrt [0] outputs [0] : (tensor<4xf32>, index) -> (tensor<4xf32>, tensor<4xf32>)
  return %g : tensor<4xf32>
}

// -----

func.func private @f(%x: tensor<?xf32>, %n: index) -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // expected-error @+1 {{the derivative needs a value of the dynamic shape 'tensor<?xf32>' again after control flow; give it a static shape}}
  %r = scf.for %k = %c0 to %n step %c1 iter_args(%a = %x) -> tensor<?xf32> {
    %b = cell.sin %a : tensor<?xf32>
    scf.yield %b : tensor<?xf32>
  }
  return %r : tensor<?xf32>
}
func.func @main(%x: tensor<?xf32>, %n: index) -> tensor<?xf32> {
  %v, %g = cell.value_and_grad @f(%x, %n) wrt [0] outputs [0] : (tensor<?xf32>, index) -> (tensor<?xf32>, tensor<?xf32>)
  return %g : tensor<?xf32>
}

// -----

func.func private @f(%x: tensor<f32>) -> tensor<f32> {
  %t = cell.tape_create : !cell.tape<tensor<f32>>
  %t1 = cell.tape_push %t, %x : !cell.tape<tensor<f32>>
  %t2, %a = cell.tape_pop %t1 : !cell.tape<tensor<f32>>
  // expected-note @-1 {{the other use is here}}
  %t3, %b = cell.tape_pop %t1 : !cell.tape<tensor<f32>>
  // expected-error @-1 {{a tape is used twice on one path, so it cannot be differentiated}}
  %s = cell.add %a, %b : tensor<f32>
  return %s : tensor<f32>
}
func.func @main(%x: tensor<f32>) -> tensor<f32> {
  %v, %g = cell.value_and_grad @f(%x) wrt [0] outputs [0] : (tensor<f32>) -> (tensor<f32>, tensor<f32>)
  return %g : tensor<f32>
}
