// RUN: cell-opt %s --canonicalize | FileCheck %s

// CHECK-LABEL: @f(
// CHECK-SAME: %[[A:.*]]: tensor<4xf32>, %[[T:.*]]: !cell.tape
func.func @f(%a: tensor<4xf32>, %t: !cell.tape<tensor<4xf32>>) -> (tensor<4xf32>, !cell.tape<tensor<4xf32>>) {
  %t1 = cell.tape_push %t, %a : !cell.tape<tensor<4xf32>>
  %t2, %x = cell.tape_pop %t1 : !cell.tape<tensor<4xf32>>
  // CHECK-NEXT: return %[[A]], %[[T]]
  return %x, %t2 : tensor<4xf32>, !cell.tape<tensor<4xf32>>
}
