// RUN: cell-opt %s | cell-opt | FileCheck %s

// CHECK-LABEL: func.func @index
func.func @index(%x: tensor<2x3xf32>, %i: tensor<4x5xui8>, %u: tensor<2x4x5xf32>, %d: tensor<?xi64>) {
  // CHECK: cell.gather %{{.*}}, %{{.*}} {axis = 1 : i64} : (tensor<2x3xf32>, tensor<4x5xui8>) -> tensor<2x4x5xf32>
  %0 = cell.gather %x, %i {axis = 1 : i64} : (tensor<2x3xf32>, tensor<4x5xui8>) -> tensor<2x4x5xf32>
  // CHECK: cell.scatter_add %{{.*}}, %{{.*}}, %{{.*}} {axis = 1 : i64} : (tensor<2x3xf32>, tensor<4x5xui8>, tensor<2x4x5xf32>) -> tensor<2x3xf32>
  %1 = cell.scatter_add %x, %i, %u {axis = 1 : i64} : (tensor<2x3xf32>, tensor<4x5xui8>, tensor<2x4x5xf32>) -> tensor<2x3xf32>
  // CHECK: cell.gather %{{.*}}, %{{.*}} {axis = 0 : i64} : (tensor<2x3xf32>, tensor<?xi64>) -> tensor<?x3xf32>
  %2 = cell.gather %x, %d {axis = 0 : i64} : (tensor<2x3xf32>, tensor<?xi64>) -> tensor<?x3xf32>
  // CHECK: cell.iota {axis = 0 : i64, dtype = f16, shape = array<i64: 3>} : () -> tensor<3xf16>
  %3 = cell.iota {shape = array<i64: 3>, axis = 0 : i64, dtype = f16} : () -> tensor<3xf16>
  // CHECK: cell.one_hot %{{.*}} {axis = 0 : i64, depth = 7 : i64, dtype = i1} : (tensor<4x5xui8>) -> tensor<7x4x5xi1>
  %4 = cell.one_hot %i {depth = 7 : i64, axis = 0 : i64, dtype = i1} : (tensor<4x5xui8>) -> tensor<7x4x5xi1>
  return
}
