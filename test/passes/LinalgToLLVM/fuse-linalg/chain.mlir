// RUN: cell-opt %s --fuse-linalg | FileCheck %s

// A chain and its derivative are one loop; the filled tensor is a scalar and the inner value %b is never stored.
// CHECK-LABEL: func.func @chain
// CHECK: %[[TWO:.*]] = arith.constant 2.0
// CHECK: %[[R:.*]]:2 = linalg.generic
// CHECK: arith.addf
// CHECK: arith.mulf
// CHECK: arith.mulf %[[TWO]]
// CHECK: linalg.yield
// CHECK-NOT: linalg
// CHECK: return %[[R]]#0, %[[R]]#1
#id = affine_map<(i) -> (i)>
func.func @chain(%x: tensor<64xf32>, %y: tensor<64xf32>) -> (tensor<64xf32>, tensor<64xf32>) {
  %e = tensor.empty() : tensor<64xf32>
  %two = arith.constant 2.0 : f32
  %twos = linalg.fill ins(%two : f32) outs(%e : tensor<64xf32>) -> tensor<64xf32>
  %b = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel"]} ins(%x, %y : tensor<64xf32>, tensor<64xf32>) outs(%e : tensor<64xf32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %s = arith.addf %p, %q : f32
    linalg.yield %s : f32
  } -> tensor<64xf32>
  %c = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%b : tensor<64xf32>) outs(%e : tensor<64xf32>) {
  ^bb0(%p: f32, %o: f32):
    %s = arith.mulf %p, %p : f32
    linalg.yield %s : f32
  } -> tensor<64xf32>
  %d = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel"]} ins(%twos, %b : tensor<64xf32>, tensor<64xf32>) outs(%e : tensor<64xf32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %s = arith.mulf %p, %q : f32
    linalg.yield %s : f32
  } -> tensor<64xf32>
  return %c, %d : tensor<64xf32>, tensor<64xf32>
}
