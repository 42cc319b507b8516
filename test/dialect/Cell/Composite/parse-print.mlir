// RUN: cell-opt %s | cell-opt | FileCheck %s

// CHECK-LABEL: func.func @composites
func.func @composites(%x: tensor<2x3x4xf16>, %l: tensor<2x4xi8>, %c: tensor<3xf16>, %p: tensor<3x4xf16>) {
  // CHECK: cell.softmax %{{.*}} {axis = 1 : i64} : (tensor<2x3x4xf16>) -> tensor<2x3x4xf16>
  %0 = cell.softmax %x {axis = 1 : i64} : (tensor<2x3x4xf16>) -> tensor<2x3x4xf16>
  // CHECK: cell.cross_entropy %{{.*}}, %{{.*}} {axis = 1 : i64} : (tensor<2x3x4xf16>, tensor<2x4xi8>) -> tensor<2x4xf16>
  %1 = cell.cross_entropy %x, %l {axis = 1 : i64} : (tensor<2x3x4xf16>, tensor<2x4xi8>) -> tensor<2x4xf16>
  // CHECK: cell.layer_norm {{.*}} (tensor<2x3x4xf16>, tensor<3x4xf16>, tensor<3x4xf16>) -> tensor<2x3x4xf16>
  %2 = cell.layer_norm %x, %p, %p {axis = 1 : i64, epsilon = 1.0e-5 : f64} : (tensor<2x3x4xf16>, tensor<3x4xf16>, tensor<3x4xf16>) -> tensor<2x3x4xf16>
  // CHECK: cell.batch_norm {{.*}} -> (tensor<2x3x4xf16>, tensor<3xf16>, tensor<3xf16>)
  %3:3 = cell.batch_norm %x, %c, %c {axis = 1 : i64, epsilon = 1.0e-5 : f64} : (tensor<2x3x4xf16>, tensor<3xf16>, tensor<3xf16>) -> (tensor<2x3x4xf16>, tensor<3xf16>, tensor<3xf16>)
  return
}
