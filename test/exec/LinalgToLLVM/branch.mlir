// Each branch makes a buffer of its own; what follows reads it as any other.
// REQUIRES: cell-run
// RUN: cell-run %s --pipeline=linalg-to-llvm --input=1,2 --input=1 | FileCheck %s
// RUN: cell-run %s --pipeline=linalg-to-llvm --input=1,2 --input=0 | FileCheck %s --check-prefix=ELSE

// CHECK: result 0: tensor<2xf32> = [4, 8]
// ELSE: result 0: tensor<2xf32> = [2, 8]
func.func @main(%x: tensor<2xf32>, %n: tensor<i32>) -> tensor<2xf32> {
  %c = tensor.extract %n[] : tensor<i32>
  %flag = arith.trunci %c : i32 to i1
  %w = scf.if %flag -> tensor<2xf32> {
    %e = tensor.empty() : tensor<2xf32>
    %a = linalg.add ins(%x, %x : tensor<2xf32>, tensor<2xf32>) outs(%e : tensor<2xf32>) -> tensor<2xf32>
    scf.yield %a : tensor<2xf32>
  } else {
    %e = tensor.empty() : tensor<2xf32>
    %a = linalg.mul ins(%x, %x : tensor<2xf32>, tensor<2xf32>) outs(%e : tensor<2xf32>) -> tensor<2xf32>
    scf.yield %a : tensor<2xf32>
  }
  %e = tensor.empty() : tensor<2xf32>
  %r = linalg.add ins(%w, %w : tensor<2xf32>, tensor<2xf32>) outs(%e : tensor<2xf32>) -> tensor<2xf32>
  return %r : tensor<2xf32>
}
