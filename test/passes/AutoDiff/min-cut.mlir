// RUN: cell-opt %s --cell-differentiate | FileCheck %s --check-prefixes=CHECK,CUT
// RUN: cell-opt %s --cell-differentiate=residuals=all | FileCheck %s --check-prefixes=CHECK,ALL
// Of a chain of elementwise ops one value is saved, and the rest is computed again behind a barrier; else each op saves what its rule mentions.

// CHECK-LABEL: func.func private @f.forward
// CUT: %[[M:.*]] = cell.matmul
// CUT: return %{{.*}}, %[[M]] : tensor<4x4xf32>, tensor<4x4xf32>
// ALL: %[[M:.*]] = cell.matmul
// ALL: %[[E:.*]] = cell.exp
// ALL: %[[S:.*]] = cell.sin
// ALL: return %{{.*}} : tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>
// CHECK-LABEL: func.func private @f.reverse
// CUT: %[[B:.*]] = cell.barrier %{{.*}}
// CUT: cell.exp %[[B]]
// CUT: cell.cos
// ALL-NOT: cell.barrier
func.func private @f(%x: tensor<4x4xf32>, %w: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %0 = cell.matmul %x, %w : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %1 = cell.exp %0 : tensor<4x4xf32>
  %2 = cell.sin %1 : tensor<4x4xf32>
  %3 = cell.mul %1, %2 : tensor<4x4xf32>
  %4 = cell.matmul %3, %w : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  return %4 : tensor<4x4xf32>
}
func.func @main(%x: tensor<4x4xf32>, %w: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %v, %g = cell.value_and_grad @f(%x, %w) wrt [0] outputs [0] : (tensor<4x4xf32>, tensor<4x4xf32>) -> (tensor<4x4xf32>, tensor<4x4xf32>)
  return %g : tensor<4x4xf32>
}
