// RUN: cell-opt %s --ascend-multi-buffer --ascend-plan-memory --ascend-insert-sync --ascend-verify-kernels | FileCheck %s
// A double-buffered loop: a flag per copy from the step that used it last, up before the loop and down behind it; and one per copy inside.

#gm = #ascend.space<gm>
#ub = #ascend.space<ub>
gpu.module @kernels attributes {ascend.target = #ascend.target<"Ascend910B3">} {
  // CHECK-LABEL: func.func @add
  // CHECK-DAG: ascend.set_flag <v, mte2> [0]
  // CHECK-DAG: ascend.set_flag <v, mte2> [1]
  // CHECK-DAG: ascend.set_flag <mte3, v> [0]
  // CHECK-DAG: ascend.set_flag <mte3, v> [1]
  // CHECK: scf.for
  // CHECK: %[[STEP:.*]] = arith.divui
  // CHECK: ascend.wait_flag <v, mte2> [0, 1] slot %[[STEP]]
  // CHECK-NEXT: ascend.load
  // CHECK-NEXT: ascend.load
  // CHECK-NEXT: ascend.set_flag <mte2, v> [0, 1] slot %[[STEP]]
  // CHECK-NEXT: ascend.wait_flag <mte2, v> [0, 1] slot %[[STEP]]
  // CHECK-NEXT: ascend.wait_flag <mte3, v> [0, 1] slot %[[STEP]]
  // CHECK-NEXT: ascend.vbin <add>
  // CHECK-DAG: ascend.set_flag <v, mte3> [0, 1] slot %[[STEP]]
  // CHECK-DAG: ascend.set_flag <v, mte2> [0, 1] slot %[[STEP]]
  // CHECK: ascend.wait_flag <v, mte3> [0, 1] slot %[[STEP]]
  // CHECK-NEXT: ascend.store
  // CHECK-NEXT: ascend.set_flag <mte3, v> [0, 1] slot %[[STEP]]
  // CHECK-NEXT: }
  // CHECK-COUNT-4: ascend.wait_flag
  // CHECK-NEXT: return
  func.func @add(%a: memref<65536xf32, #gm>, %b: memref<65536xf32, #gm>, %c: memref<65536xf32, #gm>) attributes {gpu.kernel, ascend.core = #ascend.core<aiv>, ascend.block_dim = 4 : i64} {
    %i = ascend.block_idx
    %n = ascend.block_num
    %c16 = arith.constant 16 : index
    %c4096 = arith.constant 4096 : index
    scf.for %t = %i to %c16 step %n {
      %o = arith.muli %t, %c4096 : index
      %x = memref.subview %a[%o] [4096] [1] : memref<65536xf32, #gm> to memref<4096xf32, strided<[1], offset: ?>, #gm>
      %y = memref.subview %b[%o] [4096] [1] : memref<65536xf32, #gm> to memref<4096xf32, strided<[1], offset: ?>, #gm>
      %z = memref.subview %c[%o] [4096] [1] : memref<65536xf32, #gm> to memref<4096xf32, strided<[1], offset: ?>, #gm>
      %ux = memref.alloc() : memref<4096xf32, #ub>
      %uy = memref.alloc() : memref<4096xf32, #ub>
      %uz = memref.alloc() : memref<4096xf32, #ub>
      ascend.load ins(%x : memref<4096xf32, strided<[1], offset: ?>, #gm>) outs(%ux : memref<4096xf32, #ub>)
      ascend.load ins(%y : memref<4096xf32, strided<[1], offset: ?>, #gm>) outs(%uy : memref<4096xf32, #ub>)
      ascend.vbin <add> ins(%ux, %uy : memref<4096xf32, #ub>, memref<4096xf32, #ub>) outs(%uz : memref<4096xf32, #ub>)
      ascend.store ins(%uz : memref<4096xf32, #ub>) outs(%z : memref<4096xf32, strided<[1], offset: ?>, #gm>)
    }
    return
  }
}
