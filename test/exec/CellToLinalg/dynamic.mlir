// Blocks at places known at run time: read and written in a loop, out of bounds, row by row in a branch.
// REQUIRES: cell-run
// RUN: cell-run %s --input=1,2,3,4,5,6 --input=2 | FileCheck %s
// RUN: cell-run %s --input=1,2,3,4,5,6 --input=-7 | FileCheck %s --check-prefix=LOW

// CHECK: result 0: tensor<3x2xf32> = {{\[}}[1, 2], [4, 6], [9, 12]]
// CHECK: result 1: tensor<1x2xf32> = {{\[}}[5, 6]]
// CHECK: result 2: tensor<3x2xf32> = {{\[}}[1, 2], [5, 6], [5, 6]]
// LOW: result 0: tensor<3x2xf32> = {{\[}}[1, 2], [4, 6], [9, 12]]
// LOW: result 1: tensor<1x2xf32> = {{\[}}[1, 2]]
// LOW: result 2: tensor<3x2xf32> = {{\[}}[1, 2], [1, 2], [5, 6]]
func.func @main(%x: tensor<3x2xf32>, %at: tensor<i64>) -> (tensor<3x2xf32>, tensor<1x2xf32>, tensor<3x2xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %z = cell.constant dense<0> : tensor<i32>
  %o = cell.constant dense<1> : tensor<i32>
  // Running sums of rows.
  %r = scf.for %i = %c1 to %c3 step %c1 iter_args(%a = %x) -> (tensor<3x2xf32>) {
    %ii = arith.index_cast %i : index to i32
    %it = tensor.from_elements %ii : tensor<i32>
    %p = cell.sub %it, %o : tensor<i32>
    %before = cell.dynamic_slice %a, %p, %z {sizes = array<i64: 1, 2>} : (tensor<3x2xf32>, tensor<i32>, tensor<i32>) -> tensor<1x2xf32>
    %row = cell.dynamic_slice %a, %it, %z {sizes = array<i64: 1, 2>} : (tensor<3x2xf32>, tensor<i32>, tensor<i32>) -> tensor<1x2xf32>
    %new = cell.add %before, %row : tensor<1x2xf32>
    %u = cell.dynamic_update %a, %new, %it, %z : (tensor<3x2xf32>, tensor<1x2xf32>, tensor<i32>, tensor<i32>) -> tensor<3x2xf32>
    scf.yield %u : tensor<3x2xf32>
  }
  %zl = cell.constant dense<0> : tensor<i64>
  %ol = cell.constant dense<1> : tensor<i64>
  %s = cell.dynamic_slice %x, %at, %zl {sizes = array<i64: 1, 2>} : (tensor<3x2xf32>, tensor<i64>, tensor<i64>) -> tensor<1x2xf32>
  // A row that is read from where the same op writes.
  %w = cell.dynamic_update %x, %s, %ol, %zl : (tensor<3x2xf32>, tensor<1x2xf32>, tensor<i64>, tensor<i64>) -> tensor<3x2xf32>
  return %r, %s, %w : tensor<3x2xf32>, tensor<1x2xf32>, tensor<3x2xf32>
}
