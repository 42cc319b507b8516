// RUN: cell-opt %s --cell-differentiate | FileCheck %s
// A condition of the reverse half is a value of the forward half, too: of a maximum with 0 one byte an element is saved, not four.

// CHECK-LABEL: func.func private @f.forward
// CHECK: %[[G:.*]] = cell.greater
// CHECK: return %{{.*}}, %[[G]] : tensor<4x4xf32>, tensor<4x4xi1>
// CHECK-LABEL: func.func private @f.reverse
// CHECK-SAME: tensor<4x4xi1>
// CHECK-NOT: cell.greater
// CHECK: cell.select
func.func private @f(%x: tensor<4x4xf32>, %w: tensor<4x4xf32>, %u: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %0 = cell.matmul %x, %w : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %1 = cell.relu %0 : tensor<4x4xf32>
  %2 = cell.matmul %1, %u : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  return %2 : tensor<4x4xf32>
}
func.func @main(%x: tensor<4x4xf32>, %w: tensor<4x4xf32>, %u: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %v, %g = cell.value_and_grad @f(%x, %w, %u) wrt [0] outputs [0] : (tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>) -> (tensor<4x4xf32>, tensor<4x4xf32>)
  return %g : tensor<4x4xf32>
}
