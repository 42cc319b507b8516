// A sum over columns that reads what a chain of rows makes runs behind the chain's kernel; the op that reduces both ways is taken apart for it.
// RUN: cell-opt %s --linalg-to-gpu-kernels | FileCheck %s

// CHECK-LABEL: func.func @main(
// CHECK: gpu.launch_func @kernels::@rows_mul_add_sub_0
// CHECK: gpu.launch_func @kernels::@reduce_each_add_0
// CHECK-NOT: gpu.launch_func
// CHECK-NOT: linalg.
#full = affine_map<(d0, d1) -> (d0, d1)>
#rows = affine_map<(d0, d1) -> (d0)>
#columns = affine_map<(d0, d1) -> (d1)>
func.func @main(%x: memref<8x32xf32>, %y: memref<8x32xf32>, %r: memref<32xf32>, %z: memref<8x32xf32>) {
  %zero = arith.constant 0.0 : f32
  %a = memref.alloc() : memref<8xf32>
  %b = memref.alloc() : memref<8xf32>
  linalg.fill ins(%zero : f32) outs(%a : memref<8xf32>)
  linalg.fill ins(%zero : f32) outs(%b : memref<8xf32>)
  linalg.fill ins(%zero : f32) outs(%r : memref<32xf32>)
  linalg.generic {indexing_maps = [#full, #full, #rows], iterator_types = ["parallel", "reduction"]} ins(%x : memref<8x32xf32>) outs(%y, %a : memref<8x32xf32>, memref<8xf32>) {
  ^bb0(%p: f32, %o: f32, %s: f32):
    %0 = arith.mulf %p, %p : f32
    %1 = arith.addf %s, %0 : f32
    linalg.yield %0, %1 : f32, f32
  }
  linalg.generic {indexing_maps = [#full, #columns, #rows], iterator_types = ["reduction", "reduction"]} ins(%y : memref<8x32xf32>) outs(%r, %b : memref<32xf32>, memref<8xf32>) {
  ^bb0(%p: f32, %o: f32, %s: f32):
    %0 = arith.addf %o, %p : f32
    %1 = arith.addf %s, %p : f32
    linalg.yield %0, %1 : f32, f32
  }
  linalg.generic {indexing_maps = [#full, #rows, #rows, #full], iterator_types = ["parallel", "parallel"]} ins(%x, %a, %b : memref<8x32xf32>, memref<8xf32>, memref<8xf32>) outs(%z : memref<8x32xf32>) {
  ^bb0(%p: f32, %q: f32, %t: f32, %o: f32):
    %0 = arith.subf %p, %q : f32
    %1 = arith.mulf %0, %t : f32
    linalg.yield %1 : f32
  }
  return
}
