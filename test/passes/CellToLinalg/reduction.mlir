// RUN: cell-opt %s --convert-cell-to-linalg --split-input-file | FileCheck %s

// CHECK-LABEL: func.func @half_sum
func.func @half_sum(%x: tensor<2x3xf16>) -> tensor<2x1xf16> {
  // CHECK: linalg.fill {{.*}} -> tensor<2xf32>
  // CHECK: linalg.generic {{.*}}iterator_types = ["parallel", "reduction"]} ins(%{{.*}} : tensor<2x3xf16>) outs(%{{.*}} : tensor<2xf32>)
  // CHECK: arith.addf {{.*}} : f32
  // CHECK: arith.truncf {{.*}} : f32 to f16
  // CHECK: tensor.expand_shape {{.*}} : tensor<2xf16> into tensor<2x1xf16>
  %0 = cell.reduce_sum %x {axes = array<i64: 1>, keepdims = true} : (tensor<2x3xf16>) -> tensor<2x1xf16>
  return %0 : tensor<2x1xf16>
}

// -----

// What an extreme starts with follows from the type, signedness included.
// CHECK-LABEL: func.func @extremes
func.func @extremes(%f: tensor<3xf32>, %s: tensor<3xi8>, %u: tensor<3xui8>) -> (tensor<f32>, tensor<i8>, tensor<i8>, tensor<ui8>) {
  // CHECK: arith.constant 0xFF800000 : f32
  // CHECK: arith.maximumf
  %0 = cell.reduce_max %f {axes = array<i64: 0>, keepdims = false} : (tensor<3xf32>) -> tensor<f32>
  // CHECK: arith.constant -128 : i8
  // CHECK: arith.maxsi
  %1 = cell.reduce_max %s {axes = array<i64: 0>, keepdims = false} : (tensor<3xi8>) -> tensor<i8>
  // CHECK: arith.constant 127 : i8
  // CHECK: arith.minsi
  %2 = cell.reduce_min %s {axes = array<i64: 0>, keepdims = false} : (tensor<3xi8>) -> tensor<i8>
  // CHECK: arith.constant 0 : i8
  // CHECK: arith.maxui
  %3 = cell.reduce_max %u {axes = array<i64: 0>, keepdims = false} : (tensor<3xui8>) -> tensor<ui8>
  return %0, %1, %2, %3 : tensor<f32>, tensor<i8>, tensor<i8>, tensor<ui8>
}

// -----

// CHECK-LABEL: func.func @argmax
func.func @argmax(%x: tensor<2x3xf32>) -> tensor<2xi64> {
  // CHECK: linalg.generic {{.*}} outs(%{{.*}}, %{{.*}} : tensor<2xf32>, tensor<2xi64>)
  // CHECK: linalg.index 1
  // CHECK: arith.cmpf uno
  %0 = cell.argmax %x {axis = 1 : i64, keepdims = false} : (tensor<2x3xf32>) -> tensor<2xi64>
  return %0 : tensor<2xi64>
}
