// RUN: cell-opt %s --cell-to-linalg-pipeline | FileCheck %s

// Round keys are computed outside of the loop; one flat loop whatever the shape is.
// CHECK-LABEL: func.func @bits(
// CHECK-SAME: %[[KEY:[^:]*]]: tensor<2xi64>
func.func @bits(%key: tensor<2xi64>) -> tensor<3x5xi32> {
  // CHECK: tensor.extract %[[KEY]]
  // CHECK-COUNT-18: arith.addi
  // CHECK: linalg.generic {{.*}} iterator_types = ["parallel"]} outs(%{{.*}} : tensor<15xi32>)
  // CHECK: linalg.index 0
  // CHECK-COUNT-20: arith.mului_extended
  // CHECK: tensor.expand_shape %{{.*}} into tensor<3x5xi32>
  %0 = cell.random_bits %key {shape = array<i64: 3, 5>, stream = 7} : (tensor<2xi64>) -> tensor<3x5xi32>
  return %0 : tensor<3x5xi32>
}

// Two words for each f64.
// CHECK-LABEL: func.func @doubles
func.func @doubles(%key: tensor<2xi64>) -> tensor<8xf64> {
  // CHECK: arith.shrui %{{.*}}, %c11_i64
  // CHECK: arith.sitofp %{{.*}} : i64 to f64
  %0 = cell.random_uniform %key {shape = array<i64: 8>, dtype = f64} : (tensor<2xi64>) -> tensor<8xf64>
  return %0 : tensor<8xf64>
}

// CHECK-LABEL: func.func @normal
func.func @normal(%key: tensor<2xi64>) -> tensor<8xf16> {
  // CHECK: math.log %{{.*}} : f32
  // CHECK: arith.truncf %{{.*}} : f32 to f16
  %0 = cell.random_normal %key {shape = array<i64: 8>, dtype = f16} : (tensor<2xi64>) -> tensor<8xf16>
  return %0 : tensor<8xf16>
}

// CHECK-LABEL: func.func @dropout
func.func @dropout(%x: tensor<8xf32>, %key: tensor<2xi64>) -> tensor<8xf32> {
  // CHECK: arith.cmpi ult, %{{.*}}, %c1073741824_i32
  // CHECK: arith.select
  %0 = cell.dropout %x, %key {p = 0.75} : (tensor<8xf32>, tensor<2xi64>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}
