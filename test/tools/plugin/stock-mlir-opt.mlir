// The stock mlir-opt learns the dialect from the plugin, and cell-opt and mlir-opt print the same.
// REQUIRES: plugin
// RUN: %mlir_opt_plugin %s | FileCheck %s
// RUN: %mlir_opt_plugin %s > %t.stock && cell-opt %s > %t.own && diff %t.stock %t.own
// RUN: not mlir-opt %s 2>&1 | FileCheck %s --check-prefix=WITHOUT

// CHECK-LABEL: func.func @f
// CHECK: cell.tanh
// WITHOUT: Dialect `cell' not found for custom op 'cell.tanh'
func.func @f(%a: tensor<2xf32>) -> tensor<2xf32> {
  %r = cell.tanh %a : tensor<2xf32>
  return %r : tensor<2xf32>
}
