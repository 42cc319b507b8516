// RUN: cell-opt %s --linalg-to-llvm | FileCheck %s

// CHECK: module attributes {cell.arena_bytes = 0 : i64}
// CHECK-LABEL: llvm.func internal @fn.kernel(
// CHECK-SAME: !llvm.ptr {llvm.noalias, llvm.readonly}, %{{.*}}: !llvm.ptr {llvm.noalias}
// CHECK-LABEL: llvm.func @cg_entry(
// CHECK-SAME: !llvm.ptr, %{{.*}}: !llvm.ptr
// CHECK-COUNT-2: llvm.load {{.*}} invariant {{.*}} -> !llvm.ptr
// CHECK: llvm.call @fn.kernel
// CHECK: llvm.mlir.global external constant @cg_arena_size(0 : i64)
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %e = tensor.empty() : tensor<4xf32>
  %y = linalg.negf ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}
