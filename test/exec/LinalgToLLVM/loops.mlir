// Control flow carries buffers: a for loop that doubles, with a branch, and a while loop that counts.
// REQUIRES: cell-run
// RUN: cell-run %s --pipeline=linalg-to-llvm --input=1,2 --input=3 | FileCheck %s

// CHECK: result 0: tensor<2xf32> = [9, 18]
// CHECK: result 1: tensor<2xf32> = [4, 8]
func.func @main(%x: tensor<2xf32>, %n: tensor<i32>) -> (tensor<2xf32>, tensor<2xf32>) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %two = arith.constant 2 : index
  %count = tensor.extract %n[] : tensor<i32>
  %limit = arith.index_cast %count : i32 to index
  %e = tensor.empty() : tensor<2xf32>
  // x, then twice: +x, the last time: times 3.
  %r = scf.for %i = %zero to %limit step %one iter_args(%v = %x) -> tensor<2xf32> {
    %last = arith.cmpi eq, %i, %two : index
    %w = scf.if %last -> tensor<2xf32> {
      %three = arith.constant dense<3.0> : tensor<2xf32>
      %a = linalg.mul ins(%v, %three : tensor<2xf32>, tensor<2xf32>) outs(%e : tensor<2xf32>) -> tensor<2xf32>
      scf.yield %a : tensor<2xf32>
    } else {
      %a = linalg.add ins(%v, %x : tensor<2xf32>, tensor<2xf32>) outs(%e : tensor<2xf32>) -> tensor<2xf32>
      scf.yield %a : tensor<2xf32>
    }
    scf.yield %w : tensor<2xf32>
  }
  %s:2 = scf.while (%v = %x, %i = %zero) : (tensor<2xf32>, index) -> (tensor<2xf32>, index) {
    %more = arith.cmpi slt, %i, %limit : index
    scf.condition(%more) %v, %i : tensor<2xf32>, index
  } do {
  ^bb0(%v: tensor<2xf32>, %i: index):
    %w = linalg.add ins(%v, %x : tensor<2xf32>, tensor<2xf32>) outs(%e : tensor<2xf32>) -> tensor<2xf32>
    %j = arith.addi %i, %one : index
    scf.yield %w, %j : tensor<2xf32>, index
  }
  return %r, %s#0 : tensor<2xf32>, tensor<2xf32>
}
