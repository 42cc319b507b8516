// RUN: cell-opt %s --ascend-multi-buffer --ascend-plan-memory --ascend-insert-sync --ascend-verify-kernels | FileCheck %s
// Rows in two buffers with copies, and columns that the vector unit has for itself: those share bytes and need no flags. Scratch memory shares, too.

// CHECK-LABEL: func.func @softmax
// CHECK-DAG: ascend.address [0, 32768] slot %[[I:.*]] : memref<16x512xf32
// CHECK-DAG: ascend.address [65536, 98304] slot %{{.*}} : memref<16x512xf32
// CHECK: ascend.vreduce <max>{{.*}}ascend.scratch = 131072
// CHECK: ascend.wait_flag <mte3, v> [0, 1] slot
// CHECK-NEXT: ascend.vbin <sub>
// CHECK-NEXT: ascend.set_flag <v, mte2> [0, 1] slot
// CHECK-NEXT: ascend.vun <exp>
// CHECK-NEXT: ascend.vreduce <sum>{{.*}}ascend.scratch = 131072
// CHECK-NEXT: ascend.vbin <div>
// CHECK-NEXT: ascend.set_flag <v, mte3> [0, 1] slot

#gm = #ascend.space<gm>
#ub = #ascend.space<ub>
gpu.module @kernels attributes {ascend.target = #ascend.target<"Ascend910B3">} {
  func.func @softmax(%x: memref<1024x512xf32, #gm>, %y: memref<1024x512xf32, #gm>) attributes {gpu.kernel, ascend.core = #ascend.core<aiv>, ascend.block_dim = 4 : i64} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c16 = arith.constant 16 : index
    %c64 = arith.constant 64 : index
    scf.for %i = %c0 to %c64 step %c1 {
      %o = arith.muli %i, %c16 : index
      %gx = memref.subview %x[%o, 0] [16, 512] [1, 1] : memref<1024x512xf32, #gm> to memref<16x512xf32, strided<[512, 1], offset: ?>, #gm>
      %gy = memref.subview %y[%o, 0] [16, 512] [1, 1] : memref<1024x512xf32, #gm> to memref<16x512xf32, strided<[512, 1], offset: ?>, #gm>
      %ux = memref.alloc() : memref<16x512xf32, #ub>
      %uy = memref.alloc() : memref<16x512xf32, #ub>
      %ur = memref.alloc() : memref<16x1xf32, #ub>
      %us = memref.alloc() : memref<16x1xf32, #ub>
      ascend.load ins(%gx : memref<16x512xf32, strided<[512, 1], offset: ?>, #gm>) outs(%ux : memref<16x512xf32, #ub>)
      ascend.vreduce <max> dims = [1] ins(%ux : memref<16x512xf32, #ub>) outs(%ur : memref<16x1xf32, #ub>)
      ascend.vbin <sub> ins(%ux, %ur : memref<16x512xf32, #ub>, memref<16x1xf32, #ub>) outs(%uy : memref<16x512xf32, #ub>)
      ascend.vun <exp> ins(%uy : memref<16x512xf32, #ub>) outs(%uy : memref<16x512xf32, #ub>)
      ascend.vreduce <sum> dims = [1] ins(%uy : memref<16x512xf32, #ub>) outs(%us : memref<16x1xf32, #ub>)
      ascend.vbin <div> ins(%uy, %us : memref<16x512xf32, #ub>, memref<16x1xf32, #ub>) outs(%uy : memref<16x512xf32, #ub>)
      ascend.store ins(%uy : memref<16x512xf32, #ub>) outs(%gy : memref<16x512xf32, strided<[512, 1], offset: ?>, #gm>)
    }
    return
  }
}
