// RUN: cell-opt %s --convert-cell-to-linalg --split-input-file | FileCheck %s

// CHECK-DAG: #[[$ID:.*]] = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-LABEL: func.func @half
func.func @half(%x: tensor<2x3xf16>, %y: tensor<2x3xf16>) -> tensor<2x3xf16> {
  // CHECK: linalg.generic {indexing_maps = [#[[$ID]], #[[$ID]], #[[$ID]]], iterator_types = ["parallel", "parallel"]}
  // CHECK: ^bb0(%[[X:.*]]: f16, %[[Y:.*]]: f16, %{{.*}}: f16):
  // CHECK: %[[A:.*]] = arith.extf %[[X]] : f16 to f32
  // CHECK: %[[B:.*]] = arith.extf %[[Y]] : f16 to f32
  // CHECK: %[[S:.*]] = arith.addf %[[A]], %[[B]] : f32
  // CHECK: arith.truncf %[[S]] : f32 to f16
  %0 = cell.add %x, %y : tensor<2x3xf16>
  return %0 : tensor<2x3xf16>
}

// -----

// CHECK-LABEL: func.func @dynamic
// CHECK-SAME: %[[X:.*]]: tensor<?x3xf32>, %[[Y:.*]]: tensor<2x?xf32>
func.func @dynamic(%x: tensor<?x3xf32>, %y: tensor<2x?xf32>, %z: tensor<?x3xf32>) -> (tensor<2x3xf32>, tensor<?x3xf32>) {
  // CHECK: tensor.empty() : tensor<2x3xf32>
  %0 = cell.mul %x, %y : (tensor<?x3xf32>, tensor<2x?xf32>) -> tensor<2x3xf32>
  // CHECK: %[[D:.*]] = tensor.dim %[[X]]
  // CHECK: tensor.empty(%[[D]]) : tensor<?x3xf32>
  %1 = cell.mul %x, %z : tensor<?x3xf32>
  return %0, %1 : tensor<2x3xf32>, tensor<?x3xf32>
}
