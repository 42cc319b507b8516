// A result that is tied to an argument is printed from the argument's buffer.
// REQUIRES: cell-run
// RUN: cell-run %s --input=1,2 --input=10,20 | FileCheck %s

// CHECK: result 0: tensor<f32> = 33
// CHECK: result 1: tensor<2xf32> = [11, 22]
func.func @step(%x: tensor<2xf32>, %w: tensor<2xf32> {cell.param = "w", cell.donated}) -> (tensor<f32>, tensor<2xf32> {cell.alias = 1 : i64}) {
  %0 = cell.add %w, %x : tensor<2xf32>
  %1 = cell.reduce_sum %0 {axes = array<i64: 0>, keepdims = false} : (tensor<2xf32>) -> tensor<f32>
  return %1, %0 : tensor<f32>, tensor<2xf32>
}
