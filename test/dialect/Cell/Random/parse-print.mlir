// RUN: cell-opt %s | cell-opt | FileCheck %s

// CHECK-LABEL: func.func @draws
func.func @draws(%key: tensor<2xi64>, %x: tensor<?x3xbf16>) {
  // CHECK: cell.random_bits %{{.*}} {shape = array<i64: 2, 3>, stream = 4 : i64} : (tensor<2xi64>) -> tensor<2x3xi32>
  %0 = cell.random_bits %key {shape = array<i64: 2, 3>, stream = 4} : (tensor<2xi64>) -> tensor<2x3xi32>
  // CHECK: cell.random_uniform %{{.*}} {dtype = f64, shape = array<i64>} : (tensor<2xi64>) -> tensor<f64>
  %1 = cell.random_uniform %key {dtype = f64, shape = array<i64>} : (tensor<2xi64>) -> tensor<f64>
  // CHECK: cell.random_normal %{{.*}} {dtype = f32, shape = array<i64: 0>} : (tensor<2xi64>) -> tensor<0xf32>
  %2 = cell.random_normal %key {dtype = f32, shape = array<i64: 0>} : (tensor<2xi64>) -> tensor<0xf32>
  // CHECK: cell.bernoulli %{{.*}} {p = 2.500000e-01 : f64, shape = array<i64: 5>} : (tensor<2xi64>) -> tensor<5xi1>
  %3 = cell.bernoulli %key {p = 0.25, shape = array<i64: 5>} : (tensor<2xi64>) -> tensor<5xi1>
  // CHECK: cell.dropout %{{.*}}, %{{.*}} {p = 5.000000e-01 : f64} : (tensor<?x3xbf16>, tensor<2xi64>) -> tensor<?x3xbf16>
  %4 = cell.dropout %x, %key {p = 0.5} : (tensor<?x3xbf16>, tensor<2xi64>) -> tensor<?x3xbf16>
  return
}
