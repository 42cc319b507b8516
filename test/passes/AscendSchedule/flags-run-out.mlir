// RUN: cell-opt %s --ascend-plan-memory --ascend-insert-sync --ascend-verify-kernels | FileCheck %s
// Ten tiles under way at once, and eight flags per pair of pipes: the last three tiles share one. No barrier.

#gm = #ascend.space<gm>
#ub = #ascend.space<ub>
gpu.module @kernels {
  // CHECK-LABEL: func.func @many
  // CHECK-COUNT-8: ascend.set_flag <mte2, v>
  // CHECK-NOT: ascend.set_flag <mte2, v>
  // CHECK: ascend.wait_flag <mte2, v> [7]
  // CHECK-NEXT: ascend.vun
  // CHECK-NEXT: ascend.vun
  // CHECK-NEXT: ascend.vun
  // CHECK-NEXT: ascend.set_flag <v, mte3> [0]
  // CHECK-NOT: barrier
  func.func @many(%a: memref<64xf32, #gm>, %b: memref<64xf32, #gm>) attributes {gpu.kernel, ascend.core = #ascend.core<aiv>} {
    %u0 = memref.alloc() : memref<64xf32, #ub>
    %u1 = memref.alloc() : memref<64xf32, #ub>
    %u2 = memref.alloc() : memref<64xf32, #ub>
    %u3 = memref.alloc() : memref<64xf32, #ub>
    %u4 = memref.alloc() : memref<64xf32, #ub>
    %u5 = memref.alloc() : memref<64xf32, #ub>
    %u6 = memref.alloc() : memref<64xf32, #ub>
    %u7 = memref.alloc() : memref<64xf32, #ub>
    %u8 = memref.alloc() : memref<64xf32, #ub>
    %u9 = memref.alloc() : memref<64xf32, #ub>
    ascend.load ins(%a : memref<64xf32, #gm>) outs(%u0 : memref<64xf32, #ub>)
    ascend.load ins(%a : memref<64xf32, #gm>) outs(%u1 : memref<64xf32, #ub>)
    ascend.load ins(%a : memref<64xf32, #gm>) outs(%u2 : memref<64xf32, #ub>)
    ascend.load ins(%a : memref<64xf32, #gm>) outs(%u3 : memref<64xf32, #ub>)
    ascend.load ins(%a : memref<64xf32, #gm>) outs(%u4 : memref<64xf32, #ub>)
    ascend.load ins(%a : memref<64xf32, #gm>) outs(%u5 : memref<64xf32, #ub>)
    ascend.load ins(%a : memref<64xf32, #gm>) outs(%u6 : memref<64xf32, #ub>)
    ascend.load ins(%a : memref<64xf32, #gm>) outs(%u7 : memref<64xf32, #ub>)
    ascend.load ins(%a : memref<64xf32, #gm>) outs(%u8 : memref<64xf32, #ub>)
    ascend.load ins(%a : memref<64xf32, #gm>) outs(%u9 : memref<64xf32, #ub>)
    ascend.vun <exp> ins(%u0 : memref<64xf32, #ub>) outs(%u0 : memref<64xf32, #ub>)
    ascend.vun <exp> ins(%u1 : memref<64xf32, #ub>) outs(%u1 : memref<64xf32, #ub>)
    ascend.vun <exp> ins(%u2 : memref<64xf32, #ub>) outs(%u2 : memref<64xf32, #ub>)
    ascend.vun <exp> ins(%u3 : memref<64xf32, #ub>) outs(%u3 : memref<64xf32, #ub>)
    ascend.vun <exp> ins(%u4 : memref<64xf32, #ub>) outs(%u4 : memref<64xf32, #ub>)
    ascend.vun <exp> ins(%u5 : memref<64xf32, #ub>) outs(%u5 : memref<64xf32, #ub>)
    ascend.vun <exp> ins(%u6 : memref<64xf32, #ub>) outs(%u6 : memref<64xf32, #ub>)
    ascend.vun <exp> ins(%u7 : memref<64xf32, #ub>) outs(%u7 : memref<64xf32, #ub>)
    ascend.vun <exp> ins(%u8 : memref<64xf32, #ub>) outs(%u8 : memref<64xf32, #ub>)
    ascend.vun <exp> ins(%u9 : memref<64xf32, #ub>) outs(%u9 : memref<64xf32, #ub>)
    ascend.store ins(%u9 : memref<64xf32, #ub>) outs(%b : memref<64xf32, #gm>)
    return
  }
}
