// RUN: cell-opt %s --contractions-to-gemm | FileCheck %s

// x^T is read through; a zero start needs no accumulation.
// CHECK-LABEL: func.func @gradient
// CHECK: cellrt.call "gemm" params [1, 0] ins(%arg0, %arg1 : tensor<32x16xf32>, tensor<32x24xf32>)
// CHECK-NOT: accumulate
func.func @gradient(%x: tensor<32x16xf32>, %dy: tensor<32x24xf32>) -> tensor<16x24xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<16x32xf32>
  %t = linalg.generic {indexing_maps = [affine_map<(i, j) -> (j, i)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
    ins(%x : tensor<32x16xf32>) outs(%e : tensor<16x32xf32>) {
  ^bb0(%p: f32, %o: f32):
    linalg.yield %p : f32
  } -> tensor<16x32xf32>
  %f = tensor.empty() : tensor<16x24xf32>
  %z = linalg.fill ins(%zero : f32) outs(%f : tensor<16x24xf32>) -> tensor<16x24xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(i, j, k) -> (i, k)>, affine_map<(i, j, k) -> (k, j)>, affine_map<(i, j, k) -> (i, j)>],
    iterator_types = ["parallel", "parallel", "reduction"]} ins(%t, %dy : tensor<16x32xf32>, tensor<32x24xf32>) outs(%z : tensor<16x24xf32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %m = arith.mulf %p, %q : f32
    %s = arith.addf %o, %m : f32
    linalg.yield %s : f32
  } -> tensor<16x24xf32>
  return %r : tensor<16x24xf32>
}
