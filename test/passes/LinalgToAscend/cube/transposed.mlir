// A factor that lies transposed is read as it lies; the cube turns it on the way to L0. Batches are tiles like others.
// RUN: cell-opt %s --linalg-to-ascend-kernels | FileCheck %s

#a = affine_map<(b, m, n, k) -> (b, k, m)>
#b = affine_map<(b, m, n, k) -> (b, n, k)>
#c = affine_map<(b, m, n, k) -> (b, m, n)>
// CHECK: gpu.launch_func @kernels::@matmul_0 blocks in
// CHECK: func.func @matmul_0(
// CHECK: memref.alloc() : memref<{{[1-3]}}x[[K1:[12]]]x16x16xbf16, #ascend.space<l1>>
// CHECK: ascend.nd2nz ins(%{{.*}} : memref<{{[0-9]+x[0-9]+}}xbf16, strided<[48, 1], offset: ?>
// CHECK: memref.alloc() : memref<[[K1]]x{{[1-4]}}x16x16xbf16, #ascend.space<l1>>
// CHECK: ascend.nd2nz ins(%{{.*}} : memref<{{[0-9]+x[0-9]+}}xbf16, strided<[32, 1], offset: ?>
// CHECK: ascend.mmad_l1 {{.*}} transpose_a transpose_b
func.func @main(%a: memref<5x32x48xbf16>, %b: memref<5x64x32xbf16>, %c: memref<5x48x64xf32>) {
  %z = arith.constant 0.0 : f32
  linalg.fill ins(%z : f32) outs(%c : memref<5x48x64xf32>)
  linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%a, %b : memref<5x32x48xbf16>, memref<5x64x32xbf16>) outs(%c : memref<5x48x64xf32>) {
  ^bb0(%x: bf16, %y: bf16, %s: f32):
    %xw = arith.extf %x : bf16 to f32
    %yw = arith.extf %y : bf16 to f32
    %p = arith.mulf %xw, %yw : f32
    %t = arith.addf %s, %p : f32
    linalg.yield %t : f32
  }
  return
}
