// RUN: cell-opt %s --ascend-plan-memory --ascend-insert-sync --ascend-verify-kernels | FileCheck %s
// Nine flags one after the other: the ninth takes a number that is down again. No barrier.

#gm = #ascend.space<gm>
#ub = #ascend.space<ub>
gpu.module @kernels {
  // CHECK-LABEL: func.func @one_by_one
  // CHECK-COUNT-8: ascend.wait_flag <mte2, v> [{{[0-7]}}]
  // CHECK: ascend.set_flag <mte2, v> [0]
  // CHECK-NEXT: ascend.wait_flag <mte2, v> [0]
  // CHECK-NOT: barrier
  func.func @one_by_one(%a: memref<64xf32, #gm>, %b: memref<64xf32, #gm>) attributes {gpu.kernel, ascend.core = #ascend.core<aiv>} {
    %u0 = memref.alloc() : memref<64xf32, #ub>
    ascend.load ins(%a : memref<64xf32, #gm>) outs(%u0 : memref<64xf32, #ub>)
    ascend.vun <exp> ins(%u0 : memref<64xf32, #ub>) outs(%u0 : memref<64xf32, #ub>)
    ascend.store ins(%u0 : memref<64xf32, #ub>) outs(%b : memref<64xf32, #gm>)
    ascend.load ins(%a : memref<64xf32, #gm>) outs(%u0 : memref<64xf32, #ub>)
    ascend.vun <exp> ins(%u0 : memref<64xf32, #ub>) outs(%u0 : memref<64xf32, #ub>)
    ascend.store ins(%u0 : memref<64xf32, #ub>) outs(%b : memref<64xf32, #gm>)
    ascend.load ins(%a : memref<64xf32, #gm>) outs(%u0 : memref<64xf32, #ub>)
    ascend.vun <exp> ins(%u0 : memref<64xf32, #ub>) outs(%u0 : memref<64xf32, #ub>)
    ascend.store ins(%u0 : memref<64xf32, #ub>) outs(%b : memref<64xf32, #gm>)
    ascend.load ins(%a : memref<64xf32, #gm>) outs(%u0 : memref<64xf32, #ub>)
    ascend.vun <exp> ins(%u0 : memref<64xf32, #ub>) outs(%u0 : memref<64xf32, #ub>)
    ascend.store ins(%u0 : memref<64xf32, #ub>) outs(%b : memref<64xf32, #gm>)
    ascend.load ins(%a : memref<64xf32, #gm>) outs(%u0 : memref<64xf32, #ub>)
    ascend.vun <exp> ins(%u0 : memref<64xf32, #ub>) outs(%u0 : memref<64xf32, #ub>)
    ascend.store ins(%u0 : memref<64xf32, #ub>) outs(%b : memref<64xf32, #gm>)
    ascend.load ins(%a : memref<64xf32, #gm>) outs(%u0 : memref<64xf32, #ub>)
    ascend.vun <exp> ins(%u0 : memref<64xf32, #ub>) outs(%u0 : memref<64xf32, #ub>)
    ascend.store ins(%u0 : memref<64xf32, #ub>) outs(%b : memref<64xf32, #gm>)
    ascend.load ins(%a : memref<64xf32, #gm>) outs(%u0 : memref<64xf32, #ub>)
    ascend.vun <exp> ins(%u0 : memref<64xf32, #ub>) outs(%u0 : memref<64xf32, #ub>)
    ascend.store ins(%u0 : memref<64xf32, #ub>) outs(%b : memref<64xf32, #gm>)
    ascend.load ins(%a : memref<64xf32, #gm>) outs(%u0 : memref<64xf32, #ub>)
    ascend.vun <exp> ins(%u0 : memref<64xf32, #ub>) outs(%u0 : memref<64xf32, #ub>)
    ascend.store ins(%u0 : memref<64xf32, #ub>) outs(%b : memref<64xf32, #gm>)
    ascend.load ins(%a : memref<64xf32, #gm>) outs(%u0 : memref<64xf32, #ub>)
    ascend.vun <exp> ins(%u0 : memref<64xf32, #ub>) outs(%u0 : memref<64xf32, #ub>)
    ascend.store ins(%u0 : memref<64xf32, #ub>) outs(%b : memref<64xf32, #gm>)
    return
  }
}
