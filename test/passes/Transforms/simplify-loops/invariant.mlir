// RUN: cell-opt --cell-simplify-loops %s | FileCheck %s

// Work that is the same in each iteration is done once; a broadcast, which costs nothing inside of the reader's loop, stays there.
// CHECK-LABEL: func @for
// CHECK: %[[B0:.*]] = cell.broadcast %arg1
// CHECK: %[[E:.*]] = cell.exp %[[B0]]
// CHECK: scf.for {{.*}} iter_args(%[[A:.*]] = %arg0)
// CHECK-NOT: cell.exp
// CHECK: %[[B1:.*]] = cell.broadcast %arg1
// CHECK: %[[M:.*]] = cell.mul %[[A]], %[[E]]
// CHECK: cell.add %[[M]], %[[B1]]
func.func @for(%x: tensor<2x3xf32>, %s: tensor<3xf32>, %n: index) -> tensor<2x3xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%a = %x) -> (tensor<2x3xf32>) {
    %b = cell.broadcast %s {shape = array<i64: 2, 3>} : (tensor<3xf32>) -> tensor<2x3xf32>
    %e = cell.exp %b : tensor<2x3xf32>
    %m = cell.mul %a, %e : tensor<2x3xf32>
    %d = cell.add %m, %b : tensor<2x3xf32>
    scf.yield %d : tensor<2x3xf32>
  }
  return %r : tensor<2x3xf32>
}

// What prints or makes a tape stays where it is.
// CHECK-LABEL: func @kept
// CHECK: scf.for
// CHECK: cell.print
// CHECK: cell.tape_create
func.func @kept(%x: tensor<2xf32>, %n: index) -> tensor<2xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%a = %x) -> (tensor<2xf32>) {
    cell.print "{}\n" (%x) : tensor<2xf32>
    %t = cell.tape_create : !cell.tape<tensor<2xf32>>
    %t1 = cell.tape_push %t, %a : !cell.tape<tensor<2xf32>>
    %t2, %v = cell.tape_pop %t1 : !cell.tape<tensor<2xf32>>
    scf.yield %v : tensor<2xf32>
  }
  return %r : tensor<2xf32>
}
