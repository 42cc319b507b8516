// Rows: one reduction of a tile of rows along its columns; what a fill starts is taken into the kernel.
// RUN: cell-opt %s --linalg-to-ascend-kernels | FileCheck %s

// CHECK-LABEL: func.func @main
// CHECK-NOT: linalg.fill
// CHECK: gpu.launch_func @kernels::@reduce_add_0
// CHECK: func.func @reduce_add_0({{.*}}ascend.core = #ascend.core<aiv>
// CHECK: ascend.load ins(%{{.*}}) outs(%[[X:[a-z0-9_]+]] :
// CHECK: ascend.vreduce <sum> dims = [1] ins(%[[X]] : memref<[[R:[0-9]+]]x60xf32, {{.*}}>) outs(%[[Y:.*]] : memref<[[R]]x1xf32, #ascend.space<ub>>)
// CHECK: ascend.store ins(%[[Y]] :
func.func @main(%a: memref<400x60xf32>, %b: memref<400xf32>) {
  %z = arith.constant 0.0 : f32
  linalg.fill ins(%z : f32) outs(%b : memref<400xf32>)
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>], iterator_types = ["parallel", "reduction"]} ins(%a : memref<400x60xf32>) outs(%b : memref<400xf32>) {
  ^bb0(%x: f32, %s: f32):
    %0 = arith.addf %s, %x : f32
    linalg.yield %0 : f32
  }
  return
}
