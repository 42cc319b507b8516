// RUN: cell-opt %s --cell-differentiate | FileCheck %s
// One value that differs makes a tape one per example from where it began, in other functions too, and before the push.

func.func private @begin(%w: tensor<4xf32>) -> !cell.tape<tensor<4xf32>> {
  %t = cell.tape_create : !cell.tape<tensor<4xf32>>
  %0 = cell.tape_push %t, %w : !cell.tape<tensor<4xf32>>
  return %0 : !cell.tape<tensor<4xf32>>
}
func.func private @fill(%t: !cell.tape<tensor<4xf32>>, %x: tensor<4xf32>) -> !cell.tape<tensor<4xf32>> {
  %0 = cell.tape_push %t, %x : !cell.tape<tensor<4xf32>>
  return %0 : !cell.tape<tensor<4xf32>>
}
func.func private @f(%x: tensor<4xf32>, %w: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0 = call @begin(%w) : (tensor<4xf32>) -> !cell.tape<tensor<4xf32>>
  %1 = call @fill(%0, %x) : (!cell.tape<tensor<4xf32>>, tensor<4xf32>) -> !cell.tape<tensor<4xf32>>
  %2, %a = cell.tape_pop %1 : !cell.tape<tensor<4xf32>>
  %3, %b = cell.tape_pop %2 : !cell.tape<tensor<4xf32>>
  %4 = call @begin(%w) : (tensor<4xf32>) -> !cell.tape<tensor<4xf32>>
  %5, %c = cell.tape_pop %4 : !cell.tape<tensor<4xf32>>
  %6 = cell.mul %a, %b : tensor<4xf32>
  return %6, %c : tensor<4xf32>, tensor<4xf32>
}
// CHECK-LABEL: func.func private @begin(
// CHECK-LABEL: func.func private @begin.batched(%{{.*}}: tensor<4xf32>) -> !cell.tape<tensor<8x4xf32>>
// CHECK: cell.tape_create : <tensor<8x4xf32>>
// CHECK: cell.broadcast
// CHECK-LABEL: func.func private @fill.batched(%{{.*}}: !cell.tape<tensor<8x4xf32>>, %{{.*}}: tensor<8x4xf32>)
// CHECK-LABEL: func.func private @f.batched
// CHECK-SAME: -> (tensor<8x4xf32>, tensor<4xf32>)
// CHECK: call @begin.batched
// CHECK: call @fill.batched
// CHECK: call @begin(
func.func @main(%x: tensor<8x4xf32>, %w: tensor<4xf32>) -> (tensor<8x4xf32>, tensor<4xf32>) {
  %0:2 = cell.vmap @f(%x, %w) in_axes [0, -1] out_axes [0, -1] size 8 : (tensor<8x4xf32>, tensor<4xf32>) -> (tensor<8x4xf32>, tensor<4xf32>)
  return %0#0, %0#1 : tensor<8x4xf32>, tensor<4xf32>
}
