// A matrix product of the library, with a transposed factor and an accumulator, against the loop that small ones become.
// REQUIRES: cell-run
// RUN: cell-run %s --pipeline=linalg-to-llvm --input=rand:1 --input=rand:2 --input=rand:3 | FileCheck %s

// CHECK: result 0: tensor<f32> = 0
func.func @main(%a: tensor<32x48xf32>, %b: tensor<40x48xf32>, %c: tensor<32x40xf32>) -> tensor<f32> {
  %large = linalg.contract indexing_maps = [affine_map<(i, j, k) -> (i, k)>, affine_map<(i, j, k) -> (j, k)>, affine_map<(i, j, k) -> (i, j)>]
    ins(%a, %b : tensor<32x48xf32>, tensor<40x48xf32>) outs(%c : tensor<32x40xf32>) -> tensor<32x40xf32>
  // The same sums with a body that is not a plain product stay a loop.
  %one = arith.constant 1.0 : f32
  %loop = linalg.generic {indexing_maps = [affine_map<(i, j, k) -> (i, k)>, affine_map<(i, j, k) -> (j, k)>, affine_map<(i, j, k) -> (i, j)>],
    iterator_types = ["parallel", "parallel", "reduction"]} ins(%a, %b : tensor<32x48xf32>, tensor<40x48xf32>) outs(%c : tensor<32x40xf32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %x = arith.mulf %p, %q : f32
    %y = arith.mulf %x, %one : f32
    %z = arith.addf %o, %y : f32
    linalg.yield %z : f32
  } -> tensor<32x40xf32>
  // 1 for each element that differs by more than rounding.
  %zero = arith.constant dense<0.0> : tensor<f32>
  %limit = arith.constant 1.0e-3 : f32
  %wrong = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> ()>],
    iterator_types = ["reduction", "reduction"]} ins(%large, %loop : tensor<32x40xf32>, tensor<32x40xf32>) outs(%zero : tensor<f32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %d = arith.subf %p, %q : f32
    %m = math.absf %d : f32
    %bad = arith.cmpf ugt, %m, %limit : f32
    %v = arith.uitofp %bad : i1 to f32
    %s = arith.addf %o, %v : f32
    linalg.yield %s : f32
  } -> tensor<f32>
  return %wrong : tensor<f32>
}
