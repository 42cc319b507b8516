// RUN: cell-opt %s --cell-decompose --split-input-file | FileCheck %s

// Stable: the largest element goes first. No composite op is left, also none that a definition uses.
// CHECK-LABEL: func.func @softmax
func.func @softmax(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  // CHECK: %[[M:.*]] = cell.reduce_max
  // CHECK: cell.sub
  // CHECK: cell.exp
  // CHECK: cell.reduce_sum
  // CHECK: cell.div
  %0 = cell.softmax %x {axis = 1 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

// CHECK-LABEL: func.func @layer_norm
// CHECK-NOT: cell.reduce_mean
// CHECK-NOT: cell.layer_norm
func.func @layer_norm(%x: tensor<2x3xf16>, %p: tensor<3xf16>) -> tensor<2x3xf16> {
  // CHECK: cell.cast %{{.*}} {dtype = f32} : (tensor<2x3xf16>) -> tensor<2x3xf32>
  // CHECK: cell.rsqrt %{{.*}} : tensor<2xf32>
  // CHECK: cell.cast %{{.*}} {dtype = f16} : (tensor<2x3xf32>) -> tensor<2x3xf16>
  %0 = cell.layer_norm %x, %p, %p {axis = 1 : i64, epsilon = 1.0e-5 : f64} : (tensor<2x3xf16>, tensor<3xf16>, tensor<3xf16>) -> tensor<2x3xf16>
  return %0 : tensor<2x3xf16>
}
