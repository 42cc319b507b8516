// RUN: cell-opt %s --cell-differentiate --cell-simplify | FileCheck %s
// A tape of what all examples share is one for all: a bound that comes from it is no reason to let examples go different ways.

func.func private @f(%x: tensor<4xf32>, %n: tensor<i64>) -> tensor<4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c5 = arith.constant 5 : index
  %t = cell.tape_create : !cell.tape<tensor<i64>>
  %u = cell.tape_create : !cell.tape<tensor<4xf32>>
  %0:3 = scf.for %i = %c0 to %c5 step %c1 iter_args(%a = %x, %v = %t, %w = %u) -> (tensor<4xf32>, !cell.tape<tensor<i64>>, !cell.tape<tensor<4xf32>>) {
    %1 = cell.sin %a : tensor<4xf32>
    %2 = cell.tape_push %v, %n : !cell.tape<tensor<i64>>
    %3 = cell.tape_push %w, %1 : !cell.tape<tensor<4xf32>>
    scf.yield %1, %2, %3 : tensor<4xf32>, !cell.tape<tensor<i64>>, !cell.tape<tensor<4xf32>>
  }
  %4:3 = scf.for %i = %c0 to %c5 step %c1 iter_args(%a = %x, %v = %0#1, %w = %0#2) -> (tensor<4xf32>, !cell.tape<tensor<i64>>, !cell.tape<tensor<4xf32>>) {
    %v1, %count = cell.tape_pop %v : !cell.tape<tensor<i64>>
    %w1, %row = cell.tape_pop %w : !cell.tape<tensor<4xf32>>
    %scalar = tensor.extract %count[] : tensor<i64>
    %turns = arith.index_cast %scalar : i64 to index
    %5 = scf.for %j = %c0 to %turns step %c1 iter_args(%b = %a) -> (tensor<4xf32>) {
      %6 = cell.mul %b, %row : tensor<4xf32>
      scf.yield %6 : tensor<4xf32>
    }
    scf.yield %5, %v1, %w1 : tensor<4xf32>, !cell.tape<tensor<i64>>, !cell.tape<tensor<4xf32>>
  }
  return %4#0 : tensor<4xf32>
}
// CHECK-LABEL: func.func @main
// CHECK: cell.tape_create : <tensor<i64>>
// CHECK: cell.tape_create : <tensor<8x4xf32>>
// CHECK: cell.tape_pop %{{.*}} : <tensor<8x4xf32>>
// CHECK: scf.for
// CHECK-NOT: cell.select
// CHECK: return
func.func @main(%x: tensor<8x4xf32>, %n: tensor<i64>) -> tensor<8x4xf32> {
  %0 = cell.vmap @f(%x, %n) in_axes [0, -1] out_axes [0] size 8 : (tensor<8x4xf32>, tensor<i64>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}
