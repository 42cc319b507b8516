// RUN: cell-opt %s | cell-opt | FileCheck %s
// RUN: cell-opt --mlir-print-op-generic %s | cell-opt | FileCheck %s

#gm = #ascend.space<gm>
#ub = #ascend.space<ub>

// CHECK: gpu.module @kernels attributes {ascend.target = #ascend.target<"Ascend910B3", {ub_bytes = 65536 : i64}>}
gpu.module @kernels attributes {ascend.target = #ascend.target<"Ascend910B3", {ub_bytes = 65536 : i64}>} {
  // CHECK: func.func @add(%{{.*}}: memref<100x1000xf32, #ascend.space<gm>>
  // CHECK-SAME: ascend.block_dim = 40 : i64, ascend.core = #ascend.core<aiv>, gpu.kernel
  func.func @add(%a: memref<100x1000xf32, #gm>, %c: memref<100x1000xf32, #gm>) attributes {gpu.kernel, ascend.core = #ascend.core<aiv>, ascend.block_dim = 40 : i64} {
    %c0 = arith.constant 0 : index
    %c64 = arith.constant 64 : index
    %c1000 = arith.constant 1000 : index
    // CHECK: ascend.block_idx
    %i = ascend.block_idx
    // CHECK: ascend.block_num
    %n = ascend.block_num
    // CHECK: memref.alloc() {ascend.multi_buffer = 2 : i64}
    %u = memref.alloc() {ascend.multi_buffer = 2 : i64} : memref<4x64xf32, #ub>
    // CHECK: ascend.address [0] : memref<4x64xf32, #ascend.space<ub>>
    %v = ascend.address [0] : memref<4x64xf32, #ub>
    // CHECK: ascend.address [1024, 2048] slot %{{.*}} : memref<4x64xf32, #ascend.space<ub>>
    %w = ascend.address [1024, 2048] slot %i : memref<4x64xf32, #ub>
    %tail = memref.subview %u[0, 0] [4, %n] [1, 1] : memref<4x64xf32, #ub> to memref<4x?xf32, strided<[64, 1]>, #ub>
    %g = memref.subview %a[%i, 0] [4, %n] [1, 1] : memref<100x1000xf32, #gm> to memref<4x?xf32, strided<[1000, 1], offset: ?>, #gm>
    %h = memref.subview %c[%i, 0] [4, 64] [1, 1] : memref<100x1000xf32, #gm> to memref<4x64xf32, strided<[1000, 1], offset: ?>, #gm>
    // CHECK: ascend.load ins(%{{.*}} : memref<4x?xf32, strided<[1000, 1], offset: ?>, #ascend.space<gm>>) outs(%{{.*}} : memref<4x?xf32, strided<[64, 1]>, #ascend.space<ub>>)
    ascend.load ins(%g : memref<4x?xf32, strided<[1000, 1], offset: ?>, #gm>) outs(%tail : memref<4x?xf32, strided<[64, 1]>, #ub>)
    // CHECK: ascend.set_flag <mte2, v> [0]
    ascend.set_flag <mte2, v> [0]
    // CHECK: ascend.wait_flag <mte2, v> [2, 3] slot %
    ascend.wait_flag <mte2, v> [2, 3] slot %i
    // CHECK: ascend.copy ins(
    ascend.copy ins(%u : memref<4x64xf32, #ub>) outs(%v : memref<4x64xf32, #ub>)
    // CHECK: ascend.barrier <v>
    ascend.barrier <v>
    // CHECK: ascend.store ins(%{{.*}}) outs(%{{.*}} : memref<4x64xf32, strided<[1000, 1], offset: ?>, #ascend.space<gm>>) atomic = add
    ascend.store ins(%v : memref<4x64xf32, #ub>) outs(%h : memref<4x64xf32, strided<[1000, 1], offset: ?>, #gm>) atomic = add
    // CHECK: ascend.barrier <all>
    ascend.barrier <all>
    return
  }
}
