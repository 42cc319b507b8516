// RUN: cell-opt %s --normalize-linalg --fold-product-operands --split-input-file | FileCheck %s

// A transposed factor is read through the indexing map, an extended one is extended inside.

// CHECK-DAG: #[[$LEFT:.*]] = affine_map<(d0, d1, d2) -> (d2, d0)>
// CHECK-LABEL: func.func @product(
// CHECK-SAME: %[[A:.*]]: tensor<64x32xf16>, %[[B:.*]]: tensor<64x48xf16>
// CHECK: linalg.generic {indexing_maps = [#[[$LEFT]], {{.*}}ins(%[[A]], %[[B]] : tensor<64x32xf16>, tensor<64x48xf16>) outs(%{{.*}} : tensor<32x48xf32>)
// CHECK: arith.extf
// CHECK: arith.extf
// CHECK: arith.mulf
func.func @product(%a: tensor<64x32xf16>, %b: tensor<64x48xf16>, %c: tensor<32x48xf32>) -> tensor<32x48xf32> {
  %e = tensor.empty() : tensor<32x64xf16>
  %t = linalg.transpose ins(%a : tensor<64x32xf16>) outs(%e : tensor<32x64xf16>) permutation = [1, 0]
  %ta = tensor.empty() : tensor<32x64xf32>
  %wa = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]} ins(%t : tensor<32x64xf16>) outs(%ta : tensor<32x64xf32>) {
  ^bb0(%x: f16, %y: f32):
    %w = arith.extf %x : f16 to f32
    linalg.yield %w : f32
  } -> tensor<32x64xf32>
  %p = linalg.matmul ins(%wa, %b : tensor<32x64xf32>, tensor<64x48xf16>) outs(%c : tensor<32x48xf32>) -> tensor<32x48xf32>
  return %p : tensor<32x48xf32>
}

// -----

// CHECK-LABEL: func.func @convolution(
// CHECK-SAME: %[[X:.*]]: tensor<1x1x5x5xbf16>, %[[W:.*]]: tensor<2x1x3x3xbf16>
// CHECK: cellrt.call "conv2d" {{.*}} ins(%[[X]], %[[W]] :
func.func @convolution(%x: tensor<1x1x5x5xbf16>, %w: tensor<2x1x3x3xbf16>) -> tensor<1x2x3x3xf32> {
  %ex = tensor.empty() : tensor<1x1x5x5xf32>
  %ew = tensor.empty() : tensor<2x1x3x3xf32>
  %e = tensor.empty() : tensor<1x2x3x3xf32>
  %wx = linalg.generic {indexing_maps = [affine_map<(n, c, i, j) -> (n, c, i, j)>, affine_map<(n, c, i, j) -> (n, c, i, j)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%x : tensor<1x1x5x5xbf16>) outs(%ex : tensor<1x1x5x5xf32>) {
  ^bb0(%a: bf16, %b: f32):
    %r = arith.extf %a : bf16 to f32
    linalg.yield %r : f32
  } -> tensor<1x1x5x5xf32>
  %ww = linalg.generic {indexing_maps = [affine_map<(n, c, i, j) -> (n, c, i, j)>, affine_map<(n, c, i, j) -> (n, c, i, j)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%w : tensor<2x1x3x3xbf16>) outs(%ew : tensor<2x1x3x3xf32>) {
  ^bb0(%a: bf16, %b: f32):
    %r = arith.extf %a : bf16 to f32
    linalg.yield %r : f32
  } -> tensor<2x1x3x3xf32>
  %y = cellrt.call "conv2d" params [1, 1, 0, 0, 0, 0, 1, 1, 1] ins(%wx, %ww : tensor<1x1x5x5xf32>, tensor<2x1x3x3xf32>) outs(%e : tensor<1x2x3x3xf32>) -> tensor<1x2x3x3xf32>
  return %y : tensor<1x2x3x3xf32>
}
