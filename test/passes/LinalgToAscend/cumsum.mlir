// Running sums: a row of a tile is one position of many lines; lines that are contiguous are turned by vtranspose. A single line is for the AI CPU.
// RUN: cell-opt %s --cell-to-ascend 2>&1 | FileCheck %s

// CHECK: remark: {{.*}}kernel 'loop_0' runs on the AI CPU: the numbers of a single line are added one after the other
// CHECK: func.func @cumsum_0(
// CHECK: ascend.load
// CHECK: ascend.vtranspose
// CHECK: ascend.vbin <add>
// CHECK: scf.for
// CHECK: ascend.vbin <add>
// CHECK: }
// CHECK: ascend.vtranspose
// CHECK: ascend.store
func.func @main(%a: tensor<100x50xf32>, %b: tensor<70xf32>) -> (tensor<100x50xf32>, tensor<70xf32>) {
  %0 = cell.cumsum %a {axis = 1 : i64} : (tensor<100x50xf32>) -> tensor<100x50xf32>
  %1 = cell.cumsum %b {axis = 0 : i64} : (tensor<70xf32>) -> tensor<70xf32>
  return %0, %1 : tensor<100x50xf32>, tensor<70xf32>
}
