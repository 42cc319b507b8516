// RUN: cell-opt %s --linalg-to-llvm | FileCheck %s

// Two equal loops are one kernel, called twice; another size is another kernel.
// RUN: cell-opt %s --linalg-to-llvm | FileCheck %s --check-prefix=COUNT
// COUNT-COUNT-2: llvm.func internal @fn.kernel
// COUNT-NOT: llvm.func internal

// CHECK-LABEL: llvm.func @cg_entry(
// CHECK: llvm.call @[[KERNEL:fn.kernel[_0-9]*]](
// CHECK: llvm.call @[[KERNEL]](
// CHECK: llvm.call @fn.kernel
func.func @main(%x: tensor<4xf32>, %z: tensor<4xf32>, %y: tensor<8xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<8xf32>) {
  %e = tensor.empty() : tensor<4xf32>
  %0 = linalg.exp ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  %1 = linalg.exp ins(%z : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  %f = tensor.empty() : tensor<8xf32>
  %2 = linalg.exp ins(%y : tensor<8xf32>) outs(%f : tensor<8xf32>) -> tensor<8xf32>
  return %0, %1, %2 : tensor<4xf32>, tensor<4xf32>, tensor<8xf32>
}
