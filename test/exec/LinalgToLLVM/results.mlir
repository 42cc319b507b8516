// Results that are inputs, the same value twice, two swapped arguments: all by copies in the right order.
// REQUIRES: cell-run
// RUN: cell-run %s --pipeline=linalg-to-llvm --input=1,2 --input=3,4 | FileCheck %s

// CHECK: result 0: tensor<2xf32> = [3, 4]
// CHECK: result 1: tensor<2xf32> = [1, 2]
// CHECK: result 2: tensor<2xf32> = [1, 2]
// CHECK: result 3: tensor<2xf32> = [1, 2]
// CHECK: result 4: tensor<2x1xf32> = {{\[}}[3], [4]]
func.func @main(%p: tensor<2xf32>, %q: tensor<2xf32>)
    -> (tensor<2xf32> {cell.alias = 0 : i64}, tensor<2xf32> {cell.alias = 1 : i64}, tensor<2xf32>, tensor<2xf32>, tensor<2x1xf32>) {
  %r = tensor.expand_shape %q [[0, 1]] output_shape [2, 1] : tensor<2xf32> into tensor<2x1xf32>
  return %q, %p, %p, %p, %r : tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2x1xf32>
}
