// RUN: cell-opt %s --cell-differentiate --mlir-print-debuginfo --mlir-print-local-scope | FileCheck %s
// Ops of the reverse half carry the line of the op that they differentiate.

func.func private @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = cell.sin %x : tensor<4xf32> loc("model.py":7:3)
  return %0 : tensor<4xf32>
}
// CHECK-LABEL: func.func private @f.reverse
// CHECK: cell.cos {{.*}} loc("model.py":7:3)
// CHECK: cell.mul {{.*}} loc("model.py":7:3)
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %v, %g = cell.value_and_grad @f(%x) wrt [0] outputs [0] : (tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %g : tensor<4xf32>
}
