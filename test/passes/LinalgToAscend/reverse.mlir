// Rows read backwards are loaded forwards, and turned around by index.
// RUN: cell-opt %s --cell-to-ascend | FileCheck %s

// CHECK: ascend.load
// CHECK: ascend.varange
// CHECK: ascend.vgather
// CHECK: ascend.store
// CHECK-NOT: #ascend.core<aicpu>
func.func @main(%a: tensor<100x50xf32>) -> tensor<100x50xf32> {
  %0 = cell.reverse %a {axes = array<i64: 1>} : (tensor<100x50xf32>) -> tensor<100x50xf32>
  return %0 : tensor<100x50xf32>
}
