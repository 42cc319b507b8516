// What loops carry: two values that change places, a start that the loop still reads, and a while loop whose halves carry different values.
// REQUIRES: cell-run
// RUN: cell-run %s --pipeline=linalg-to-llvm --input=1,2 --input=3,4 --input=3 | FileCheck %s

// CHECK: result 0: tensor<2xf32> = [3, 4]
// CHECK: result 1: tensor<2xf32> = [1, 2]
// CHECK: result 2: tensor<2xf32> = [64, 128]
// CHECK: result 3: tensor<2xf32> = [4, 16]
func.func @main(%p: tensor<2xf32>, %q: tensor<2xf32>, %n: tensor<i32>) -> (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %count = tensor.extract %n[] : tensor<i32>
  %limit = arith.index_cast %count : i32 to index
  %e = tensor.empty() : tensor<2xf32>
  %swapped:2 = scf.for %i = %zero to %limit step %one iter_args(%x = %p, %y = %q) -> (tensor<2xf32>, tensor<2xf32>) {
    scf.yield %y, %x : tensor<2xf32>, tensor<2xf32>
  }
  %grown = scf.for %i = %zero to %limit step %one iter_args(%x = %p) -> tensor<2xf32> {
    %inner = scf.for %j = %zero to %limit step %one iter_args(%y = %x) -> tensor<2xf32> {
      %s = linalg.add ins(%x, %y : tensor<2xf32>, tensor<2xf32>) outs(%e : tensor<2xf32>) -> tensor<2xf32>
      scf.yield %s : tensor<2xf32>
    }
    scf.yield %inner : tensor<2xf32>
  }
  %square = scf.while (%x = %p, %i = %zero) : (tensor<2xf32>, index) -> tensor<2xf32> {
    %more = arith.cmpi slt, %i, %limit : index
    %s = linalg.mul ins(%x, %x : tensor<2xf32>, tensor<2xf32>) outs(%e : tensor<2xf32>) -> tensor<2xf32>
    scf.condition(%more) %s : tensor<2xf32>
  } do {
  ^bb0(%s: tensor<2xf32>):
    %d = linalg.add ins(%p, %p : tensor<2xf32>, tensor<2xf32>) outs(%e : tensor<2xf32>) -> tensor<2xf32>
    scf.yield %d, %limit : tensor<2xf32>, index
  }
  return %swapped#0, %swapped#1, %grown, %square : tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>
}
