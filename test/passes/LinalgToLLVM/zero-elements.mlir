// RUN: cell-opt %s --cell-to-llvm | FileCheck %s
// Tensors without elements go through: nothing is computed and nothing is copied.

// CHECK-LABEL: llvm.func @cg_entry
func.func @main(%a: tensor<3x0xf32>) -> tensor<3x0xf32> {
  %0 = cell.exp %a : tensor<3x0xf32>
  return %0 : tensor<3x0xf32>
}
