// Running sums: a row of a tile is one position of many lines; lines that are contiguous are turned by vtranspose.
// RUN: cell-opt %s --cell-to-ascend | FileCheck %s

// CHECK: func.func @cumsum_0(
// CHECK: ascend.load
// CHECK: ascend.vtranspose
// CHECK: ascend.vbin <add>
// CHECK: scf.for
// CHECK: ascend.vbin <add>
// CHECK: }
// CHECK: ascend.vtranspose
// CHECK: ascend.store
// CHECK-NOT: #ascend.core<aicpu>
func.func @main(%a: tensor<100x50xf32>) -> tensor<100x50xf32> {
  %0 = cell.cumsum %a {axis = 1 : i64, exclusive = false, reverse = false} : (tensor<100x50xf32>) -> tensor<100x50xf32>
  return %0 : tensor<100x50xf32>
}
