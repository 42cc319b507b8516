// The last tile is smaller: sizes of transfers and of vector ops are computed, buffers stay full.
// RUN: cell-opt %s --linalg-to-ascend-kernels | FileCheck %s

// CHECK: scf.for %[[T:.*]] = %{{.*}} to %[[TILES:.*]] step
// CHECK: %[[REST:.*]] = arith.subi %c1000003
// CHECK: %[[SIZE:.*]] = arith.minsi %{{.*}}, %[[REST]]
// CHECK: memref.alloc() : memref<[[FULL:[0-9]+]]xf32, #ascend.space<ub>>
// CHECK: memref.subview %{{.*}}[0] [%[[SIZE]]] [1] : memref<[[FULL]]xf32
// CHECK: ascend.load ins(%{{.*}} : memref<?xf32,
// CHECK: ascend.store ins(%{{.*}}) outs(%{{.*}} : memref<?xf32,
#id = affine_map<(i) -> (i)>
func.func @main(%a: memref<1000003xf32>, %b: memref<1000003xf32>) {
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%a : memref<1000003xf32>) outs(%b : memref<1000003xf32>) {
  ^bb0(%x: f32, %o: f32):
    %0 = math.sqrt %x : f32
    linalg.yield %0 : f32
  }
  return
}
