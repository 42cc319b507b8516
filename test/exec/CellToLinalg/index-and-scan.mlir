// Numbers of ops that move by index or run along an axis.
// REQUIRES: cell-run
// RUN: cell-run %s --input=3xf32=1,2,4 --input=4xi32=-1,0,0,7 --input=2x3xf32=2,0,3,0,5,0 --input=2x0xf32= | FileCheck %s

func.func private @product(%x: tensor<2x3xf32>) -> tensor<2xf32> {
  %0 = cell.reduce_prod %x {axes = array<i64: 1>, keepdims = false} : (tensor<2x3xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

func.func @main(%x: tensor<3xf32>, %i: tensor<4xi32>, %m: tensor<2x3xf32>, %e: tensor<2x0xf32>)
    -> (tensor<3xf32>, tensor<3xf32>, tensor<4xf32>, tensor<3xf32>, tensor<2x3xf32>, tensor<2xf32>) {
  // CHECK: result 0: {{.*}} = [1, 3, 7]
  %0 = cell.cumsum %x {axis = 0 : i64, exclusive = false, reverse = false} : (tensor<3xf32>) -> tensor<3xf32>
  // CHECK: result 1: {{.*}} = [6, 4, 0]
  %1 = cell.cumsum %x {axis = 0 : i64, exclusive = true, reverse = true} : (tensor<3xf32>) -> tensor<3xf32>
  // -1 is the last; 7 is out of range.
  // CHECK: result 2: {{.*}} = [4, 1, 1, 0]
  %2 = cell.gather %x, %i {axis = 0 : i64} : (tensor<3xf32>, tensor<4xi32>) -> tensor<4xf32>
  // CHECK: result 3: {{.*}} = [3, 2, 8]
  %3 = cell.scatter_add %x, %i, %2 {axis = 0 : i64} : (tensor<3xf32>, tensor<4xi32>, tensor<4xf32>) -> tensor<3xf32>
  // Each element's gradient is the product of the others, zeros or not.
  // CHECK: result 4: {{.*}} = {{\[\[}}0, 6, 0], [0, 0, 0]]
  %4:2 = cell.value_and_grad @product(%m) wrt [0] outputs [0] : (tensor<2x3xf32>) -> (tensor<2xf32>, tensor<2x3xf32>)
  // The product of nothing.
  // CHECK: result 5: {{.*}} = [1, 1]
  %5 = cell.reduce_prod %e {axes = array<i64: 1>, keepdims = false} : (tensor<2x0xf32>) -> tensor<2xf32>
  return %0, %1, %2, %3, %4#1, %5 : tensor<3xf32>, tensor<3xf32>, tensor<4xf32>, tensor<3xf32>, tensor<2x3xf32>, tensor<2xf32>
}
