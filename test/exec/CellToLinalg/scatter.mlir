// Whole numbers of every width come round, and along another axis each slice before it has rows of its own; -1 is the last, 7 is out of range.
// REQUIRES: cell-run
// RUN: cell-run %s --input=4xi8=100,0,0,-100 --input=4xi64=1,2,3,4 --input=4xi32=0,0,-1,7 --input=2x3xf32=1,2,3,4,5,6 --input=2x4xf32=10,20,30,40,50,60,70,80 | FileCheck %s

// CHECK: result 0: {{.*}} = [44, 0, 0, 0]
// CHECK: result 1: {{.*}} = [4, 2, 3, 7]
// CHECK: result 2: {{.*}} = {{\[\[}}31, 2, 33], [114, 5, 76]]
func.func @main(%b: tensor<4xi8>, %n: tensor<4xi64>, %i: tensor<4xi32>, %x: tensor<2x3xf32>, %u: tensor<2x4xf32>) -> (tensor<4xi8>, tensor<4xi64>, tensor<2x3xf32>) {
  %by = cell.constant dense<[100, 100, 100, 1]> : tensor<4xi8>
  %0 = cell.scatter_add %b, %i, %by {axis = 0 : i64} : (tensor<4xi8>, tensor<4xi32>, tensor<4xi8>) -> tensor<4xi8>
  %1 = cell.scatter_add %n, %i, %n {axis = 0 : i64} : (tensor<4xi64>, tensor<4xi32>, tensor<4xi64>) -> tensor<4xi64>
  %2 = cell.scatter_add %x, %i, %u {axis = 1 : i64} : (tensor<2x3xf32>, tensor<4xi32>, tensor<2x4xf32>) -> tensor<2x3xf32>
  return %0, %1, %2 : tensor<4xi8>, tensor<4xi64>, tensor<2x3xf32>
}
