// RUN: cell-opt %s --canonicalize --cse | FileCheck %s

// Tapes and barriers are never merged, and go where nobody uses them; prints stay in order.
// CHECK-LABEL: @f
func.func @f(%a: tensor<4xf32>) -> (tensor<4xf32>, !cell.tape<tensor<4xf32>>, !cell.tape<tensor<4xf32>>) {
  // CHECK-COUNT-2: cell.tape_create
  // CHECK-NOT: cell.tape_create
  %t = cell.tape_create : !cell.tape<tensor<4xf32>>
  %u = cell.tape_create : !cell.tape<tensor<4xf32>>
  %unused = cell.tape_create : !cell.tape<tensor<4xf32>>
  // CHECK-COUNT-2: cell.barrier
  // CHECK-NOT: cell.barrier
  %x = cell.barrier %a : tensor<4xf32>
  %y = cell.barrier %a : tensor<4xf32>
  %dead = cell.barrier %a : tensor<4xf32>
  // CHECK: cell.print "first"
  cell.print "first" ()
  // CHECK: cell.print "second"
  cell.print "second" ()
  // CHECK: cell.print "second"
  cell.print "second" ()
  %s = cell.add %x, %y : tensor<4xf32>
  return %s, %t, %u : tensor<4xf32>, !cell.tape<tensor<4xf32>>, !cell.tape<tensor<4xf32>>
}
