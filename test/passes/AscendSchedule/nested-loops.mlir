// RUN: cell-opt %s --ascend-multi-buffer --ascend-plan-memory --ascend-insert-sync --ascend-verify-kernels | FileCheck %s
// Two loops: the tiles of the inner one and the sums of the outer one turn on their own, and their flags stay up from one run of the inner loop to the next.

#gm = #ascend.space<gm>
#l1 = #ascend.space<l1>
#l0c = #ascend.space<l0c>
gpu.module @kernels {
  // CHECK-LABEL: func.func @product
  // CHECK-DAG: ascend.set_flag <mte1, mte2> [0]
  // CHECK-DAG: ascend.set_flag <mte1, mte2> [1]
  // CHECK-DAG: ascend.set_flag <fix, m> [0]
  // CHECK-DAG: ascend.set_flag <fix, m> [1]
  // CHECK: scf.for
  // CHECK: %[[OUTER:.*]] = arith.divui
  // CHECK: ascend.wait_flag <fix, m> [0, 1] slot %[[OUTER]]
  // CHECK: scf.for
  // CHECK: %[[INNER:.*]] = arith.divui
  // CHECK: ascend.wait_flag <mte1, mte2> [0, 1] slot %[[INNER]]
  // CHECK-NEXT: ascend.nd2nz
  // CHECK-NEXT: ascend.nd2nz
  // CHECK-NEXT: ascend.set_flag <mte2, mte1> [0, 1] slot %[[INNER]]
  // CHECK: ascend.wait_flag <mte2, mte1> [0, 1] slot %[[INNER]]
  // CHECK-NEXT: ascend.mmad_l1
  // CHECK-NEXT: ascend.set_flag <mte1, mte2> [0, 1] slot %[[INNER]]
  // CHECK-NEXT: }
  // CHECK-NEXT: ascend.set_flag <m, fix> [0, 1] slot %[[OUTER]]
  // CHECK: ascend.wait_flag <m, fix> [0, 1] slot %[[OUTER]]
  // CHECK-NEXT: ascend.fixpipe
  // CHECK-NEXT: ascend.set_flag <fix, m> [0, 1] slot %[[OUTER]]
  // CHECK-NEXT: }
  // CHECK-COUNT-4: ascend.wait_flag
  // CHECK-NEXT: return
  func.func @product(%A: memref<512x1024xf16, #gm>, %B: memref<1024x256xf16, #gm>, %C: memref<512x256xf16, #gm>) attributes {gpu.kernel, ascend.core = #ascend.core<aic>} {
    %c0 = arith.constant 0 : index
    %c128 = arith.constant 128 : index
    %c512 = arith.constant 512 : index
    %c1024 = arith.constant 1024 : index
    scf.for %i = %c0 to %c512 step %c128 {
      %lc = memref.alloc() : memref<8x8x16x16xf32, #l0c>
      scf.for %k = %c0 to %c1024 step %c128 {
        %As = memref.subview %A[%i, %k] [128, 128] [1, 1] : memref<512x1024xf16, #gm> to memref<128x128xf16, strided<[1024, 1], offset: ?>, #gm>
        %Bs = memref.subview %B[%k, 0] [128, 128] [1, 1] : memref<1024x256xf16, #gm> to memref<128x128xf16, strided<[256, 1], offset: ?>, #gm>
        %la = memref.alloc() : memref<8x8x16x16xf16, #l1>
        %lb = memref.alloc() : memref<8x8x16x16xf16, #l1>
        ascend.nd2nz ins(%As : memref<128x128xf16, strided<[1024, 1], offset: ?>, #gm>) outs(%la : memref<8x8x16x16xf16, #l1>)
        ascend.nd2nz ins(%Bs : memref<128x128xf16, strided<[256, 1], offset: ?>, #gm>) outs(%lb : memref<8x8x16x16xf16, #l1>)
        %first = arith.cmpi eq, %k, %c0 : index
        ascend.mmad_l1 ins(%la, %lb, %first : memref<8x8x16x16xf16, #l1>, memref<8x8x16x16xf16, #l1>) outs(%lc : memref<8x8x16x16xf32, #l0c>)
      }
      %Cs = memref.subview %C[%i, 0] [128, 128] [1, 1] : memref<512x256xf16, #gm> to memref<128x128xf16, strided<[256, 1], offset: ?>, #gm>
      ascend.fixpipe ins(%lc : memref<8x8x16x16xf32, #l0c>) outs(%Cs : memref<128x128xf16, strided<[256, 1], offset: ?>, #gm>) relu
    }
    return
  }
}
