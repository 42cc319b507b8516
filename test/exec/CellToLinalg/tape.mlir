// Values saved in a loop come back last in, first out: more than one chunk, a branch, a nested loop, no iteration at all.
// REQUIRES: cell-run
// RUN: cell-run %s --input=1,2,3,4 --input=3 | FileCheck %s
// RUN: cell-run %s --input=1,2,3,4 --input=0 | FileCheck %s --check-prefix=EMPTY
// RUN: cell-run %s --input=1,1,1,1 --input=9000 | FileCheck %s --check-prefix=MANY

// CHECK: result 0: tensor<4xf32> = [9, 58, 183, 420]
// CHECK: result 1: tensor<i64> = 4
// EMPTY: result 0: tensor<4xf32> = [0, 0, 0, 0]
// EMPTY: result 1: tensor<i64> = 0
// MANY: result 1: tensor<i64> = 80982001
func.func @main(%x: tensor<4xf32>, %n: tensor<i64>) -> (tensor<4xf32>, tensor<i64>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %ns = tensor.extract %n[] : tensor<i64>
  %ni = arith.index_cast %ns : i64 to index
  %t = cell.tape_create : !cell.tape<tensor<4xf32>>
  %u = cell.tape_create : !cell.tape<tensor<i64>>
  %r:3 = scf.for %i = %c0 to %ni step %c1 iter_args(%a = %x, %tt = %t, %uu = %u) -> (tensor<4xf32>, !cell.tape<tensor<4xf32>>, !cell.tape<tensor<i64>>) {
    %t1 = cell.tape_push %tt, %a : !cell.tape<tensor<4xf32>>
    %b = cell.add %a, %x : tensor<4xf32>
    %ii = arith.index_cast %i : index to i64
    %it = tensor.from_elements %ii : tensor<i64>
    // Pushed in all iterations but the last, popped in all but the first.
    %last = arith.subi %ni, %c1 : index
    %inside = arith.cmpi ult, %i, %last : index
    %u1 = scf.if %inside -> (!cell.tape<tensor<i64>>) {
      %p = cell.tape_push %uu, %it : !cell.tape<tensor<i64>>
      scf.yield %p : !cell.tape<tensor<i64>>
    } else {
      scf.yield %uu : !cell.tape<tensor<i64>>
    }
    scf.yield %b, %t1, %u1 : tensor<4xf32>, !cell.tape<tensor<4xf32>>, !cell.tape<tensor<i64>>
  }
  %zero = cell.constant dense<0.0> : tensor<4xf32>
  %none = cell.constant dense<0> : tensor<i64>
  %s:4 = scf.for %i = %c0 to %ni step %c1 iter_args(%a = %zero, %tt = %r#1, %sum = %none, %uu = %r#2) -> (tensor<4xf32>, !cell.tape<tensor<4xf32>>, tensor<i64>, !cell.tape<tensor<i64>>) {
    %t1, %v = cell.tape_pop %tt : !cell.tape<tensor<4xf32>>
    %b = cell.mul %a, %v : tensor<4xf32>
    %d = cell.add %b, %v : tensor<4xf32>
    %inside = arith.cmpi ugt, %i, %c0 : index
    %w:2 = scf.if %inside -> (tensor<i64>, !cell.tape<tensor<i64>>) {
      %p, %k = cell.tape_pop %uu : !cell.tape<tensor<i64>>
      %iter = arith.index_cast %i : index to i64
      %it = tensor.from_elements %iter : tensor<i64>
      // What comes back is n - 1 - i: with i it is n - 1.
      %m = cell.add %k, %it : tensor<i64>
      %g = cell.add %sum, %m : tensor<i64>
      scf.yield %g, %p : tensor<i64>, !cell.tape<tensor<i64>>
    } else {
      scf.yield %sum, %uu : tensor<i64>, !cell.tape<tensor<i64>>
    }
    scf.yield %d, %t1, %w#0, %w#1 : tensor<4xf32>, !cell.tape<tensor<4xf32>>, tensor<i64>, !cell.tape<tensor<i64>>
  }
  return %s#0, %s#2 : tensor<4xf32>, tensor<i64>
}
