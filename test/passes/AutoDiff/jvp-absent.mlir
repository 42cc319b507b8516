// RUN: cell-opt %s --cell-differentiate | FileCheck %s
// What has no tangent gets none: an inactive operand, a result that does not depend on the argument. A zero is made only for the op's result.

// CHECK-LABEL: func.func private @f.jvp
// CHECK-SAME: -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
// CHECK-NOT: constant
// CHECK: cell.add
// CHECK-NEXT: cell.exp
// CHECK-NEXT: return %{{.*}}, %{{.*}}, %arg2
func.func private @f(%x: tensor<4xf32>, %y: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0 = cell.add %x, %y : tensor<4xf32>
  %1 = cell.exp %y : tensor<4xf32>
  return %0, %1 : tensor<4xf32>, tensor<4xf32>
}
// CHECK-LABEL: func.func @main
// CHECK: %[[C:.*]]:3 = call @f.jvp
// CHECK: %[[Z:.*]] = cell.constant dense<0.0
// CHECK: return %[[Z]], %[[C]]#2
func.func @main(%x: tensor<4xf32>, %y: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %v:4 = cell.jvp @f(%x, %y) tangents(%y) wrt [0] outputs [1, 0] : (tensor<4xf32>, tensor<4xf32>), (tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  return %v#2, %v#3 : tensor<4xf32>, tensor<4xf32>
}
