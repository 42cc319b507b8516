// RUN: cell-opt %s --cell-differentiate --cell-simplify | FileCheck %s
// Bounds that all examples share stay; what the loop carries is batched as far as it depends on the batch. Bounds of each example make one
// loop up to the largest number of turns, in which those that are done keep what they have.

func.func private @f(%n: tensor<i64>, %x: tensor<4xf32>, %y: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %e = tensor.extract %n[] : tensor<i64>
  %u = arith.index_cast %e : i64 to index
  %0:2 = scf.for %i = %c0 to %u step %c1 iter_args(%a = %x, %b = %y) -> (tensor<4xf32>, tensor<4xf32>) {
    %1 = cell.mul %a, %b : tensor<4xf32>
    %2 = cell.sin %b : tensor<4xf32>
    scf.yield %1, %2 : tensor<4xf32>, tensor<4xf32>
  }
  return %0#0, %0#1 : tensor<4xf32>, tensor<4xf32>
}
// CHECK-LABEL: func.func @shared
// CHECK: scf.for {{.*}} -> (tensor<8x4xf32>, tensor<4xf32>)
// CHECK: cell.sin %{{.*}} : tensor<4xf32>
func.func @shared(%n: tensor<i64>, %x: tensor<8x4xf32>, %y: tensor<4xf32>) -> (tensor<8x4xf32>, tensor<4xf32>) {
  %0:2 = cell.vmap @f(%n, %x, %y) in_axes [-1, 0, -1] out_axes [0, -1] size 8 : (tensor<i64>, tensor<8x4xf32>, tensor<4xf32>) -> (tensor<8x4xf32>, tensor<4xf32>)
  return %0#0, %0#1 : tensor<8x4xf32>, tensor<4xf32>
}
// CHECK-LABEL: func.func @each
// CHECK: %[[MOST:.*]] = cell.reduce_max %{{.*}} : (tensor<8xi64>) -> tensor<i64>
// CHECK: tensor.extract %[[MOST]][]
// CHECK: scf.for {{.*}} -> (tensor<8x4xf32>, tensor<8x4xf32>)
// CHECK: cell.less %{{.*}} : (tensor<8xi64>, tensor<8xi64>) -> tensor<8xi1>
// CHECK: cell.select
// CHECK: cell.select
func.func @each(%n: tensor<8xi64>, %x: tensor<4xf32>, %y: tensor<4xf32>) -> (tensor<8x4xf32>, tensor<8x4xf32>) {
  %0:2 = cell.vmap @f(%n, %x, %y) in_axes [0, -1, -1] out_axes [0, 0] size 8 : (tensor<8xi64>, tensor<4xf32>, tensor<4xf32>) -> (tensor<8x4xf32>, tensor<8x4xf32>)
  return %0#0, %0#1 : tensor<8x4xf32>, tensor<8x4xf32>
}
