// Rows and columns change places in UB; global memory is read and written along its rows.
// RUN: cell-opt %s --linalg-to-ascend-kernels | FileCheck %s

// CHECK: ascend.load ins(%{{.*}} : memref<32x64xf32, strided<[512, 1], offset: ?>, #ascend.space<gm>>) outs(%[[X:[a-z0-9_]+]] : memref<32x64xf32, #ascend.space<ub>>)
// CHECK: ascend.vtranspose permutation = [1, 0] ins(%[[X]] : {{.*}}) outs(%[[Y:[a-z0-9_]+]] : memref<64x32xf32,
// CHECK: ascend.store ins(%[[Y]] : {{.*}}) outs(%{{.*}} : memref<64x32xf32, strided<[256, 1], offset: ?>, #ascend.space<gm>>)
func.func @main(%a: memref<256x512xf32>, %b: memref<512x256xf32>) {
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (j, i)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]} ins(%a : memref<256x512xf32>) outs(%b : memref<512x256xf32>) {
  ^bb0(%x: f32, %o: f32):
    linalg.yield %x : f32
  }
  return
}
