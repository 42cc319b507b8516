// RUN: cell-opt %s -split-input-file --round-products | FileCheck %s
#id = affine_map<(a, b, c, d) -> (a, b, c, d)>
#channel = affine_map<(a, b, c, d) -> (b)>

// The rounding of two readers, one of them a reduction, is one op behind the convolution.

// CHECK-LABEL: func.func @two_readers
// CHECK: %[[Y:.*]] = cellrt.call "conv2d"
// CHECK: %[[R:.*]] = linalg.generic {{.*}} ins(%[[Y]] : tensor<2x16x12x12xf32>) outs(%{{.*}} : tensor<2x16x12x12xf16>)
// CHECK-NEXT: ^bb0(%[[X:.*]]: f32
// CHECK-NEXT: %[[T:.*]] = arith.truncf %[[X]] : f32 to f16
// CHECK-NEXT: linalg.yield %[[T]]
// CHECK: linalg.generic {{.*}} ins(%[[R]] : tensor<2x16x12x12xf16>) outs(%{{.*}} : tensor<16xf32>)
// CHECK-NEXT: ^bb0(%[[Z:.*]]: f16
// CHECK-NEXT: arith.extf %[[Z]]
// CHECK: linalg.generic {{.*}} ins(%[[R]] : tensor<2x16x12x12xf16>)
// CHECK-NOT: truncf
// CHECK: return
func.func @two_readers(%x: tensor<2x8x12x12xf16>, %w: tensor<16x8x3x3xf16>, %s: tensor<16xf32>) -> (tensor<16xf32>, tensor<2x16x12x12xf16>) {
  %e = tensor.empty() : tensor<2x16x12x12xf32>
  %h = tensor.empty() : tensor<2x16x12x12xf16>
  %y = cellrt.call "conv2d" params [1, 1, 1, 1, 1, 1, 1, 1, 1] ins(%x, %w : tensor<2x8x12x12xf16>, tensor<16x8x3x3xf16>) outs(%e : tensor<2x16x12x12xf32>) -> tensor<2x16x12x12xf32>
  %sum = linalg.generic {indexing_maps = [#id, #channel], iterator_types = ["reduction", "parallel", "reduction", "reduction"]} ins(%y : tensor<2x16x12x12xf32>) outs(%s : tensor<16xf32>) {
  ^bb0(%v: f32, %o: f32):
    %t = arith.truncf %v : f32 to f16
    %u = arith.extf %t : f16 to f32
    %a = arith.addf %o, %u : f32
    linalg.yield %a : f32
  } -> tensor<16xf32>
  %n = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%y : tensor<2x16x12x12xf32>) outs(%h : tensor<2x16x12x12xf16>) {
  ^bb0(%v: f32, %o: f16):
    %t = arith.truncf %v : f32 to f16
    %u = arith.negf %t : f16
    linalg.yield %u : f16
  } -> tensor<2x16x12x12xf16>
  return %sum, %n : tensor<16xf32>, tensor<2x16x12x12xf16>
}

// -----

// A reader that wants the sum as it is keeps it; one pointwise reader is computed with the product anyway.

#id = affine_map<(a, b) -> (a, b)>
#mA = affine_map<(m, n, k) -> (m, k)>
#mB = affine_map<(m, n, k) -> (k, n)>
#mC = affine_map<(m, n, k) -> (m, n)>
// CHECK-LABEL: func.func @others
// CHECK: %[[Y:.*]] = linalg.generic {{.*}} ins(%{{.*}}, %{{.*}} : tensor<64x64xf16>, tensor<64x64xf16>)
// CHECK-NOT: linalg.generic {{.*}} ins(%[[Y]] : {{.*}}) outs(%{{.*}} : tensor<64x64xf16>)
// CHECK: linalg.generic {{.*}} ins(%[[Y]] : tensor<64x64xf32>) outs(%{{.*}} : tensor<64x64xf32>)
func.func @others(%a: tensor<64x64xf16>, %b: tensor<64x64xf16>, %f: tensor<64x64xf32>) -> (tensor<64x64xf32>, tensor<64x64xf32>) {
  %c = linalg.generic {indexing_maps = [#mA, #mB, #mC], iterator_types = ["parallel", "parallel", "reduction"]} ins(%a, %b : tensor<64x64xf16>, tensor<64x64xf16>) outs(%f : tensor<64x64xf32>) {
  ^bb0(%x: f16, %y: f16, %o: f32):
    %u = arith.extf %x : f16 to f32
    %v = arith.extf %y : f16 to f32
    %p = arith.mulf %u, %v : f32
    %s = arith.addf %o, %p : f32
    linalg.yield %s : f32
  } -> tensor<64x64xf32>
  %e = tensor.empty() : tensor<64x64xf32>
  %r = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%c : tensor<64x64xf32>) outs(%e : tensor<64x64xf32>) {
  ^bb0(%x: f32, %o: f32):
    %t = arith.truncf %x : f32 to f16
    %u = arith.extf %t : f16 to f32
    linalg.yield %u : f32
  } -> tensor<64x64xf32>
  %q = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%c : tensor<64x64xf32>) outs(%e : tensor<64x64xf32>) {
  ^bb0(%x: f32, %o: f32):
    %u = arith.negf %x : f32
    linalg.yield %u : f32
  } -> tensor<64x64xf32>
  return %r, %q : tensor<64x64xf32>, tensor<64x64xf32>
}
