// Few columns and many rows: cores sum pieces of the rows, a second kernel adds the pieces in order.
// RUN: cell-opt %s --linalg-to-ascend-kernels | FileCheck %s

// CHECK-LABEL: func.func @main
// CHECK: %[[PARTS:.*]] = memref.alloc() : memref<[[N:[0-9]+]]xf32>
// CHECK: gpu.launch_func @kernels::@reduce_add_0 {{.*}}%[[PARTS]]
// CHECK: gpu.launch_func @kernels::@reduce_join_add_0 {{.*}}%[[PARTS]]
// CHECK: func.func @reduce_add_0({{.*}}ascend.block_dim = 40
// CHECK: ascend.vreduce <sum> dims = [0]
// CHECK: func.func @reduce_join_add_0(
// CHECK-NOT: scf.for
// CHECK: ascend.vreduce <sum> dims = [0] ins(%{{.*}} : memref<40x256xf32, #ascend.space<ub>>) outs(%{{.*}} : memref<1x256xf32, #ascend.space<ub>>)
func.func @main(%a: memref<10000x256xf32>, %b: memref<256xf32>) {
  %z = arith.constant 0.0 : f32
  linalg.fill ins(%z : f32) outs(%b : memref<256xf32>)
  linalg.generic {indexing_maps = [affine_map<(j, i) -> (i, j)>, affine_map<(j, i) -> (j)>], iterator_types = ["parallel", "reduction"]} ins(%a : memref<10000x256xf32>) outs(%b : memref<256xf32>) {
  ^bb0(%x: f32, %s: f32):
    %0 = arith.addf %s, %x : f32
    linalg.yield %0 : f32
  }
  return
}
