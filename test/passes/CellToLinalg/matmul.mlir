// RUN: cell-opt %s --convert-cell-to-linalg --canonicalize | FileCheck %s
// A transposed operand is read in place, by its indexing map. Half precision accumulates in f32.

// CHECK-DAG: #[[$MK:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d3)>
// CHECK-DAG: #[[$NK:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d2, d3)>
// CHECK-DAG: #[[$MN:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>
// CHECK-DAG: #[[$KM:.*]] = affine_map<(d0, d1, d2) -> (d2, d0)>
// CHECK-DAG: #[[$KN:.*]] = affine_map<(d0, d1, d2) -> (d2, d1)>

// CHECK-LABEL: func.func @half(
// CHECK-SAME: %[[A:[^:]*]]: tensor<7x2x3xf16>, %[[B:[^:]*]]: tensor<7x4x3xf16>
func.func @half(%a: tensor<7x2x3xf16>, %b: tensor<7x4x3xf16>) -> tensor<7x2x4xf16> {
  // CHECK: %[[ZERO:.*]] = linalg.fill
  // CHECK: %[[C:.*]] = linalg.contract indexing_maps = [#[[$MK]], #[[$NK]], #[[$MN]]] ins(%[[A]], %[[B]] : {{.*}}) outs(%[[ZERO]] : tensor<7x2x4xf32>)
  // CHECK: linalg.generic
  // CHECK: arith.truncf
  %0 = cell.matmul %a, %b {transpose_b = true} : (tensor<7x2x3xf16>, tensor<7x4x3xf16>) -> tensor<7x2x4xf16>
  return %0 : tensor<7x2x4xf16>
}

// CHECK-LABEL: func.func @unsigned(
// CHECK-SAME: %[[A:[^:]*]]: tensor<?x3xi8>
func.func @unsigned(%a: tensor<?x3xui8>) -> tensor<3x3xui8> {
  // CHECK: linalg.contract indexing_maps = [#[[$KM]], #[[$KN]], #{{.*}}] ins(%[[A]], %[[A]] : {{.*}}) outs(%{{.*}} : tensor<3x3xi8>)
  %0 = cell.matmul %a, %a {transpose_a = true} : (tensor<?x3xui8>, tensor<?x3xui8>) -> tensor<3x3xui8>
  return %0 : tensor<3x3xui8>
}

// CHECK-LABEL: func.func @dynamic(
// CHECK-SAME: %[[A:[^:]*]]: tensor<?x3xf32>, %[[B:[^:]*]]: tensor<3x?xf32>
func.func @dynamic(%a: tensor<?x3xf32>, %b: tensor<3x?xf32>) -> tensor<?x?xf32> {
  // CHECK-DAG: %[[M:.*]] = tensor.dim %[[A]], %c0
  // CHECK-DAG: %[[N:.*]] = tensor.dim %[[B]], %c1
  // CHECK: tensor.empty(%[[M]], %[[N]])
  %0 = cell.matmul %a, %b : (tensor<?x3xf32>, tensor<3x?xf32>) -> tensor<?x?xf32>
  return %0 : tensor<?x?xf32>
}
