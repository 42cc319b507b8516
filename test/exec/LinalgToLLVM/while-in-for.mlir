// The buffer of an inner loop's counter stays in the outer iteration, although the inner loop hands another one on.
// REQUIRES: cell-run
// RUN: cell-run %s --pipeline=linalg-to-llvm --input=2xf32=1,2 | FileCheck %s

// CHECK: result 0: tensor<2xf32> = [8, 16]
func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %one = arith.constant 1 : i64
  %r = scf.for %i = %c0 to %c3 step %c1 iter_args(%a = %x) -> (tensor<2xf32>) {
    %zero = arith.constant 0 : i64
    %start = tensor.from_elements %zero : tensor<i64>
    %w:2 = scf.while (%k = %start, %v = %a) : (tensor<i64>, tensor<2xf32>) -> (tensor<i64>, tensor<2xf32>) {
      %n = tensor.extract %k[] : tensor<i64>
      %c = arith.cmpi slt, %n, %one : i64
      scf.condition(%c) %k, %v : tensor<i64>, tensor<2xf32>
    } do {
    ^bb0(%k: tensor<i64>, %v: tensor<2xf32>):
      %n = tensor.extract %k[] : tensor<i64>
      %more = arith.addi %n, %one : i64
      %next = tensor.from_elements %more : tensor<i64>
      %e = tensor.empty() : tensor<2xf32>
      %d = linalg.add ins(%v, %v : tensor<2xf32>, tensor<2xf32>) outs(%e : tensor<2xf32>) -> tensor<2xf32>
      scf.yield %next, %d : tensor<i64>, tensor<2xf32>
    }
    scf.yield %w#1 : tensor<2xf32>
  }
  return %r : tensor<2xf32>
}
