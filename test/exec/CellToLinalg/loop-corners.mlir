// Tensors without elements on a tape, a branch that gives a part of what the loop carries, a product and a print in a while loop.
// REQUIRES: cell-run
// RUN: cell-run %s --input=rand --input=1,2,3,4,5,6,7,8,9,10,11,12 --input=3 --input=0.03125 --print-limit=4 | FileCheck %s

// CHECK: 0 1 2 result 0: tensor<0x3xf32> = []
// CHECK: result 1: tensor<0x3xf32> = []
// CHECK: result 2: tensor<1x3xf32> = {{\[}}[-7, -8, -9]]
// CHECK: result 3: tensor<32x32xf32> = {{\[}}[0.03125, 0.03125,
func.func @main(%x: tensor<0x3xf32>, %y: tensor<4x3xf32>, %n: tensor<i64>, %w: tensor<32x32xf32>) -> (tensor<0x3xf32>, tensor<0x3xf32>, tensor<1x3xf32>, tensor<32x32xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %ns = tensor.extract %n[] : tensor<i64>
  %ni = arith.index_cast %ns : i64 to index
  %t = cell.tape_create : !cell.tape<tensor<0x3xf32>>
  %r:2 = scf.for %i = %c0 to %ni step %c1 iter_args(%a = %x, %tt = %t) -> (tensor<0x3xf32>, !cell.tape<tensor<0x3xf32>>) {
    %t1 = cell.tape_push %tt, %a : !cell.tape<tensor<0x3xf32>>
    %b = cell.exp %a : tensor<0x3xf32>
    scf.yield %b, %t1 : tensor<0x3xf32>, !cell.tape<tensor<0x3xf32>>
  }
  %s:2 = scf.for %i = %c0 to %ni step %c1 iter_args(%a = %x, %tt = %r#1) -> (tensor<0x3xf32>, !cell.tape<tensor<0x3xf32>>) {
    %t1, %v = cell.tape_pop %tt : !cell.tape<tensor<0x3xf32>>
    %b = cell.mul %a, %v : tensor<0x3xf32>
    scf.yield %b, %t1 : tensor<0x3xf32>, !cell.tape<tensor<0x3xf32>>
  }
  %z = cell.dynamic_slice %y, %n, %n {sizes = array<i64: 0, 3>} : (tensor<4x3xf32>, tensor<i64>, tensor<i64>) -> tensor<0x3xf32>
  %q = scf.for %i = %c0 to %ni step %c1 iter_args(%a = %y) -> (tensor<4x3xf32>) {
    %odd = arith.cmpi eq, %i, %c1 : index
    %ii = arith.index_cast %i : index to i64
    %it = tensor.from_elements %ii : tensor<i64>
    // A branch gives a part of what the loop carries, the other something new.
    %p = scf.if %odd -> (tensor<1x3xf32>) {
      %k = cell.dynamic_slice %a, %it, %it {sizes = array<i64: 1, 3>} : (tensor<4x3xf32>, tensor<i64>, tensor<i64>) -> tensor<1x3xf32>
      scf.yield %k : tensor<1x3xf32>
    } else {
      %k = cell.dynamic_slice %y, %it, %it {sizes = array<i64: 1, 3>} : (tensor<4x3xf32>, tensor<i64>, tensor<i64>) -> tensor<1x3xf32>
      %e = cell.neg %k : tensor<1x3xf32>
      scf.yield %e : tensor<1x3xf32>
    }
    %zero = cell.constant dense<0> : tensor<i64>
    %u = cell.dynamic_update %a, %p, %zero, %it : (tensor<4x3xf32>, tensor<1x3xf32>, tensor<i64>, tensor<i64>) -> tensor<4x3xf32>
    scf.yield %u : tensor<4x3xf32>
  }
  %r0 = cell.constant dense<0> : tensor<i64>
  %first = cell.dynamic_slice %q, %r0, %r0 {sizes = array<i64: 1, 3>} : (tensor<4x3xf32>, tensor<i64>, tensor<i64>) -> tensor<1x3xf32>
  // A large product in a while loop that also prints.
  %i0 = cell.constant dense<0> : tensor<i64>
  %i1 = cell.constant dense<1> : tensor<i64>
  %m:2 = scf.while (%k = %i0, %v = %w) : (tensor<i64>, tensor<32x32xf32>) -> (tensor<i64>, tensor<32x32xf32>) {
    %c = cell.less %k, %n : (tensor<i64>, tensor<i64>) -> tensor<i1>
    %cs = tensor.extract %c[] : tensor<i1>
    scf.condition(%cs) %k, %v : tensor<i64>, tensor<32x32xf32>
  } do {
  ^bb0(%k: tensor<i64>, %v: tensor<32x32xf32>):
    %g = cell.matmul %v, %w : (tensor<32x32xf32>, tensor<32x32xf32>) -> tensor<32x32xf32>
    cell.print "{} " (%k) : tensor<i64>
    %k1 = cell.add %k, %i1 : tensor<i64>
    scf.yield %k1, %g : tensor<i64>, tensor<32x32xf32>
  }
  return %r#0, %z, %first, %m#1 : tensor<0x3xf32>, tensor<0x3xf32>, tensor<1x3xf32>, tensor<32x32xf32>
}
