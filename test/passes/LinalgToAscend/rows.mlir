// softmax: one kernel; each tile has whole rows, which are read once and written once.
// RUN: cell-opt %s --cell-to-ascend | FileCheck %s

// CHECK-COUNT-1: gpu.launch_func @kernels::@rows_maximum_sub_div_0
// CHECK-NOT: gpu.launch_func
// CHECK: func.func @rows_maximum_sub_div_0(
// CHECK-COUNT-1: ascend.load
// CHECK: ascend.vreduce <max> dims = [1]
// CHECK: ascend.vbin <sub>
// CHECK: ascend.vun <exp>
// CHECK: ascend.vreduce <sum> dims = [1]
// CHECK: ascend.vbin <div>
// CHECK-COUNT-1: ascend.store
// CHECK-NOT: ascend.load
func.func @main(%a: tensor<1000x512xf32>) -> tensor<1000x512xf32> {
  %0 = cell.softmax %a {axis = 1 : i64} : (tensor<1000x512xf32>) -> tensor<1000x512xf32>
  return %0 : tensor<1000x512xf32>
}
