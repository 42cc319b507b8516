// RUN: cell-opt %s --cell-differentiate --cell-simplify | FileCheck %s
// Rules keep dynamic sizes.

#id = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
func.func private @f(%x: tensor<?x?xf32>, %init: tensor<?xf32>) -> tensor<?xf32> {
  %e = math.exp %x : tensor<?x?xf32>
  %r = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]} ins(%e : tensor<?x?xf32>) outs(%init : tensor<?xf32>) {
  ^bb0(%a: f32, %sum: f32):
    %s = arith.addf %sum, %a : f32
    linalg.yield %s : f32
  } -> tensor<?xf32>
  return %r : tensor<?xf32>
}
// CHECK-LABEL: func.func @main
// CHECK: %[[E:.*]] = math.exp
// CHECK: tensor.empty(%{{.*}}, %{{.*}}) : tensor<?x?xf32>
// CHECK: %[[G:.*]] = linalg.generic
// CHECK: arith.mulf %[[G]], %[[E]]
func.func @main(%x: tensor<?x?xf32>, %init: tensor<?xf32>, %g: tensor<?xf32>) -> (tensor<?x?xf32>, tensor<?xf32>) {
  %0:3 = cell.vjp @f(%x, %init) cotangents(%g) wrt [0, 1] outputs [0] : (tensor<?x?xf32>, tensor<?xf32>), (tensor<?xf32>) -> (tensor<?xf32>, tensor<?x?xf32>, tensor<?xf32>)
  return %0#1, %0#2 : tensor<?x?xf32>, tensor<?xf32>
}
