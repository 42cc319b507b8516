// RUN: cell-opt %s --cell-differentiate --cell-simplify | FileCheck %s
// In a loop that all examples share, a tape holds the values of the whole batch.

func.func private @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c5 = arith.constant 5 : index
  %t = cell.tape_create : !cell.tape<tensor<4xf32>>
  %0:2 = scf.for %i = %c0 to %c5 step %c1 iter_args(%a = %x, %u = %t) -> (tensor<4xf32>, !cell.tape<tensor<4xf32>>) {
    %1 = cell.sin %a : tensor<4xf32>
    %2 = cell.tape_push %u, %1 : !cell.tape<tensor<4xf32>>
    scf.yield %1, %2 : tensor<4xf32>, !cell.tape<tensor<4xf32>>
  }
  %r, %v = cell.tape_pop %0#1 : !cell.tape<tensor<4xf32>>
  return %v : tensor<4xf32>
}
// CHECK-LABEL: func.func @main
// CHECK: cell.tape_create : <tensor<8x4xf32>>
// CHECK: scf.for
// CHECK: cell.tape_push %{{.*}} : <tensor<8x4xf32>>
// CHECK: cell.tape_pop
func.func @main(%x: tensor<8x4xf32>) -> tensor<8x4xf32> {
  %0 = cell.vmap @f(%x) in_axes [0] out_axes [0] size 8 : (tensor<8x4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}
