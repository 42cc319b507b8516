// RUN: cell-run %s --target=ascend --input=2x3xf32=1,2,3,4,5,6 --input=0.5 2>/dev/null | FileCheck %s
// RUN: cell-run %s --target=ascend --sim=checked,seed=7 --input=2x3xf32=1,2,3,4,5,6 --input=0.5 2>/dev/null | FileCheck %s
// A program gives the same on the simulated accelerator as on the processor: results, and an argument that is updated.

// CHECK: result 0: tensor<2x3xf32> = {{\[}}[0.5, 1, 1.5], [2, 2.5, 3]]
// CHECK: result 1: tensor<2xf32> = [3, 7.5]
func.func @main(%x: tensor<2x3xf32>, %s: tensor<f32>) -> (tensor<2x3xf32> {cell.alias = 0 : i64}, tensor<2xf32>) {
  %b = cell.broadcast %s {shape = array<i64: 2, 3>} : (tensor<f32>) -> tensor<2x3xf32>
  %y = cell.mul %x, %b : tensor<2x3xf32>
  %r = cell.reduce_sum %y {axes = array<i64: 1>, keepdims = false} : (tensor<2x3xf32>) -> tensor<2xf32>
  return %y, %r : tensor<2x3xf32>, tensor<2xf32>
}
