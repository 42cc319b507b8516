// REQUIRES: cell-run
// RUN: cell-run %s --pipeline=linalg-to-llvm --input=2xi32=0,0 | FileCheck %s

// Each iteration writes into the tensor from outside as it was.
// CHECK: result 0: tensor<2xi32> = [1, 1]
func.func @main(%x: tensor<2xi32>) -> tensor<2xi32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c1_i32 = arith.constant 1 : i32
  %zero = arith.constant dense<0> : tensor<i32>
  %zeros = arith.constant dense<0> : tensor<2xi32>
  %r = scf.for %i = %c0 to %c2 step %c1 iter_args(%a = %x) -> (tensor<2xi32>) {
    %one = linalg.generic {indexing_maps = [affine_map<() -> ()>], iterator_types = []} outs(%zero : tensor<i32>) {
    ^bb0(%out: i32):
      %v = arith.addi %out, %c1_i32 : i32
      linalg.yield %v : i32
    } -> tensor<i32>
    %ins = tensor.insert_slice %one into %zeros[%i] [1] [1] : tensor<i32> into tensor<2xi32>
    %e = tensor.empty() : tensor<2xi32>
    %s = linalg.add ins(%ins, %a : tensor<2xi32>, tensor<2xi32>) outs(%e : tensor<2xi32>) -> tensor<2xi32>
    scf.yield %s : tensor<2xi32>
  }
  return %r : tensor<2xi32>
}
