// 16-bit floats: f64 is rounded once (2049 + 2^-30 lies above the middle between 2048 and 2050), functions compute in f32.
// REQUIRES: cell-run
// RUN: cell-run %s --pipeline=linalg-to-llvm --input=2049.0000000009,1 | FileCheck %s

// CHECK: result 0: tensor<2xf32> = [2050, 1]
// CHECK: result 1: tensor<2xf32> = [0, 0.3679
func.func @main(%x: tensor<2xf64>) -> (tensor<2xf32>, tensor<2xf32>) {
  %e = tensor.empty() : tensor<2xf32>
  %r:2 = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
    ins(%x : tensor<2xf64>) outs(%e, %e : tensor<2xf32>, tensor<2xf32>) {
  ^bb0(%a: f64, %o: f32, %p: f32):
    %h = arith.truncf %a : f64 to f16
    %w = arith.extf %h : f16 to f32
    %n = arith.negf %h : f16
    %f = math.exp %n : f16
    %g = arith.extf %f : f16 to f32
    linalg.yield %w, %g : f32, f32
  } -> (tensor<2xf32>, tensor<2xf32>)
  return %r#0, %r#1 : tensor<2xf32>, tensor<2xf32>
}
