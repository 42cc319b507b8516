// Points that add to one element (d1 + d2) are visited in order by one thread; rows are independent.
// RUN: cell-opt %s --linalg-to-gpu-kernels | FileCheck %s

// CHECK: gpu.func @add_in_order_0
// CHECK-SAME: known_block_size = array<i32: 32, 1, 1>, known_grid_size = array<i32: 1, 1, 1>
// CHECK: scf.if
// CHECK: scf.for
// CHECK: scf.for
#in = affine_map<(d0, d1, d2) -> (d0, d1)>
#window = affine_map<(d0, d1, d2) -> (d2)>
#out = affine_map<(d0, d1, d2) -> (d0, d1 + d2)>
func.func @main(%x: memref<20x6xf32>, %w: memref<3xf32>, %y: memref<20x8xf32>) {
  linalg.generic {indexing_maps = [#in, #window, #out], iterator_types = ["parallel", "parallel", "parallel"]} ins(%x, %w : memref<20x6xf32>, memref<3xf32>) outs(%y : memref<20x8xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %0 = arith.addf %o, %a : f32
    linalg.yield %0 : f32
  }
  return
}
