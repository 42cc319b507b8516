// A file at the "linalg" stage, with calls of runtime routines, can be read by the tools and by the stock mlir-opt.
// REQUIRES: plugin
// RUN: cell-opt %s | FileCheck %s
// RUN: %mlir_opt_plugin %s | FileCheck %s

// CHECK: cellrt.call "avgpool2d"
func.func @f(%x: tensor<1x1x2x2xf32>) -> tensor<1x1x1x1xf32> {
  %init = tensor.empty() : tensor<1x1x1x1xf32>
  %y = cellrt.call "avgpool2d" params [2, 2, 2, 2, 0, 0, 0, 0, 0]
         ins(%x : tensor<1x1x2x2xf32>) outs(%init : tensor<1x1x1x1xf32>) -> tensor<1x1x1x1xf32>
  return %y : tensor<1x1x1x1xf32>
}
