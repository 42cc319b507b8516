// RUN: cell-opt %s --linalg-to-kernels | FileCheck %s

// A row sum keeps its running value in a register, starts from the fill's value and may be reordered.
// CHECK-LABEL: func.func private @kernel
// CHECK-SAME: memref<600xf32> {llvm.noalias, llvm.readonly}
// CHECK-SAME: memref<6xf32> {llvm.noalias}
// CHECK: scf.for
// CHECK:   scf.for {{.*}} iter_args
// CHECK:     arith.addf {{.*}} fastmath<reassoc>
// CHECK:   memref.store
// CHECK-LABEL: func.func @main
// CHECK-NOT: linalg.fill
// CHECK: cellrt.launch @kernel(%{{.*}}, %{{.*}}) size 6 grain 6
func.func @main(%x: memref<6x100xf32>, %y: memref<6xf32>) {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%y : memref<6xf32>)
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>], iterator_types = ["parallel", "reduction"]}
    ins(%x : memref<6x100xf32>) outs(%y : memref<6xf32>) {
  ^bb0(%a: f32, %sum: f32):
    %s = arith.addf %a, %sum : f32
    linalg.yield %s : f32
  }
  return
}
