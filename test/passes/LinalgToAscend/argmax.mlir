// The position of the largest: what equals it, or is a NaN, keeps its number, and the smallest number is taken.
// RUN: cell-opt %s --cell-to-ascend | FileCheck %s

// CHECK: ascend.vreduce <max> dims = [1]
// CHECK: ascend.vcmp <eq>
// CHECK: ascend.vcmp <ne>
// CHECK: ascend.vbin <or>
// CHECK: ascend.varange
// CHECK: ascend.vsel
// CHECK: ascend.vreduce <min> dims = [1]
// CHECK: ascend.vcast {{.*}}xi32{{.*}}xi64
// CHECK-NOT: #ascend.core<aicpu>
func.func @main(%a: tensor<1000x512xf32>) -> tensor<1000xi64> {
  %0 = cell.argmax %a {axis = 1 : i64, keepdims = false} : (tensor<1000x512xf32>) -> tensor<1000xi64>
  return %0 : tensor<1000xi64>
}
