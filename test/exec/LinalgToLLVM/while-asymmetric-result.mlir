// A while loop whose first half hands on other values than it takes; one of them is a result of the program.
// REQUIRES: cell-run
// RUN: cell-run %s --pipeline=linalg-to-llvm --input=3xf32=1,2,3 --input=i64=3 | FileCheck %s

// CHECK: result 0: tensor<3xf32> = [8, 16, 24]
func.func @main(%x: tensor<3xf32>, %n: tensor<i64>) -> tensor<3xf32> {
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %r:2 = scf.while (%v = %x, %i = %n) : (tensor<3xf32>, tensor<i64>) -> (tensor<i64>, tensor<3xf32>) {
    %k = tensor.extract %i[] : tensor<i64>
    %c = arith.cmpi sgt, %k, %zero : i64
    scf.condition(%c) %i, %v : tensor<i64>, tensor<3xf32>
  } do {
  ^bb0(%i: tensor<i64>, %v: tensor<3xf32>):
    %e = tensor.empty() : tensor<3xf32>
    %d = linalg.add ins(%v, %v : tensor<3xf32>, tensor<3xf32>) outs(%e : tensor<3xf32>) -> tensor<3xf32>
    %k = tensor.extract %i[] : tensor<i64>
    %less = arith.subi %k, %one : i64
    %j = tensor.from_elements %less : tensor<i64>
    scf.yield %d, %j : tensor<3xf32>, tensor<i64>
  }
  return %r#1 : tensor<3xf32>
}
