// RUN: cell-opt %s --cell-differentiate --cell-simplify --canonicalize | FileCheck %s
// Both gradients of a matrix product are contractions of the same loops; neither saves the product or its start.

// CHECK-DAG: #[[$A:map[0-9]*]] = affine_map<(d0, d1, d2) -> (d0, d2)>
// CHECK-DAG: #[[$B:map[0-9]*]] = affine_map<(d0, d1, d2) -> (d2, d1)>
// CHECK-DAG: #[[$C:map[0-9]*]] = affine_map<(d0, d1, d2) -> (d0, d1)>
func.func private @f(%a: tensor<2x3xf32>, %b: tensor<3x4xf32>) -> tensor<2x4xf32> {
  %init = arith.constant dense<0.0> : tensor<2x4xf32>
  %c = linalg.matmul ins(%a, %b : tensor<2x3xf32>, tensor<3x4xf32>) outs(%init : tensor<2x4xf32>) -> tensor<2x4xf32>
  return %c : tensor<2x4xf32>
}
// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[X:.*]]: tensor<2x3xf32>, %[[Y:.*]]: tensor<3x4xf32>, %[[G:.*]]: tensor<2x4xf32>
// CHECK: linalg.generic {indexing_maps = [#[[$B]], #[[$C]], #[[$A]]], iterator_types = ["parallel", "reduction", "parallel"]} ins(%[[Y]], %[[G]]
// CHECK: arith.mulf
// CHECK-NEXT: arith.addf
// CHECK-NEXT: linalg.yield
// CHECK: linalg.generic {indexing_maps = [#[[$A]], #[[$C]], #[[$B]]], iterator_types = ["reduction", "parallel", "parallel"]} ins(%[[X]], %[[G]]
func.func @main(%a: tensor<2x3xf32>, %b: tensor<3x4xf32>, %g: tensor<2x4xf32>) -> (tensor<2x3xf32>, tensor<3x4xf32>) {
  %0:3 = cell.vjp @f(%a, %b) cotangents(%g) wrt [0, 1] outputs [0] : (tensor<2x3xf32>, tensor<3x4xf32>), (tensor<2x4xf32>) -> (tensor<2x4xf32>, tensor<2x3xf32>, tensor<3x4xf32>)
  return %0#1, %0#2 : tensor<2x3xf32>, tensor<3x4xf32>
}
