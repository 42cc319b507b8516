// RUN: cell-opt %s --ascend-plan-memory --ascend-insert-sync --ascend-verify-kernels | FileCheck %s
// Flags between a branch and what is around it stand outside of the branch: they are set and waited for on all paths.

#gm = #ascend.space<gm>
#ub = #ascend.space<ub>
gpu.module @kernels {
  // CHECK-LABEL: func.func @maybe
  // CHECK: ascend.load
  // CHECK-NEXT: ascend.set_flag <mte2, v> [0]
  // CHECK-NEXT: ascend.wait_flag <mte2, v> [0]
  // CHECK-NEXT: scf.if
  // CHECK-NEXT: ascend.vun
  // CHECK-NEXT: }
  // CHECK-NEXT: ascend.set_flag <v, mte3> [0]
  // CHECK-NEXT: ascend.wait_flag <v, mte3> [0]
  // CHECK-NEXT: ascend.store
  // CHECK-NOT: flag
  // CHECK: return
  func.func @maybe(%a: memref<64xf32, #gm>, %yes: i1) attributes {gpu.kernel, ascend.core = #ascend.core<aiv>} {
    %u = memref.alloc() : memref<64xf32, #ub>
    ascend.load ins(%a : memref<64xf32, #gm>) outs(%u : memref<64xf32, #ub>)
    scf.if %yes {
      ascend.vun <exp> ins(%u : memref<64xf32, #ub>) outs(%u : memref<64xf32, #ub>)
    }
    ascend.store ins(%u : memref<64xf32, #ub>) outs(%a : memref<64xf32, #gm>)
    return
  }
}
