// A product is one kernel of the cube cores: blocks take tiles, a tile is summed up in L0C from pieces of both factors in L1.
// RUN: cell-opt %s --linalg-to-ascend-kernels | FileCheck %s

// CHECK: gpu.launch_func @kernels::@matmul_0 blocks in (%c20
// CHECK: func.func @matmul_0(
// CHECK-SAME: ascend.block_dim = 20
// CHECK-SAME: ascend.core = #ascend.core<aic>
// CHECK: ascend.block_idx
// CHECK: scf.for
// CHECK: memref.alloc() : memref<{{.*}}x16x16xf32, #ascend.space<l0c>>
// CHECK: scf.for %[[K:.*]] = %c0 to %c{{[0-9]+}}
// CHECK: %[[FIRST:.*]] = arith.cmpi eq, %[[K]], %c0
// The left factor is [K / 16, M / 16, 16, 16] in L1, the right one [N / 16, K / 16, 16, 16].
// CHECK: memref.alloc() : memref<[[K1:[0-9]+]]x{{[0-9]+}}x16x16xf16, #ascend.space<l1>>
// CHECK: ascend.nd2nz ins(%{{.*}} : memref<{{[0-9]+}}x{{[0-9]+}}xf16, strided<[1024, 1], offset: ?>, #ascend.space<gm>>)
// CHECK: memref.alloc() : memref<{{[0-9]+}}x[[K1]]x16x16xf16, #ascend.space<l1>>
// CHECK: ascend.nd2nz
// CHECK: ascend.mmad_l1 ins(%{{.*}}, %{{.*}}, %[[FIRST]]
// CHECK-NOT: transpose
// CHECK: ascend.fixpipe
// CHECK-NOT: relu
func.func @main(%a: memref<2048x1024xf16>, %b: memref<1024x2048xf16>, %c: memref<2048x2048xf32>) {
  %z = arith.constant 0.0 : f32
  linalg.fill ins(%z : f32) outs(%c : memref<2048x2048xf32>)
  linalg.matmul ins(%a, %b : memref<2048x1024xf16>, memref<1024x2048xf16>) outs(%c : memref<2048x2048xf32>)
  return
}
