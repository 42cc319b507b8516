// RUN: cell-opt %s --ascend-plan-memory --ascend-insert-sync --ascend-verify-kernels | FileCheck %s
// A scalar that is read from global memory waits for the store of it; what comes after the scalar unit needs no flag.

#gm = #ascend.space<gm>
#ub = #ascend.space<ub>
gpu.module @kernels {
  // CHECK-LABEL: func.func @scalar
  // CHECK: ascend.store
  // CHECK-NEXT: ascend.set_flag <mte3, s> [0]
  // CHECK-NEXT: ascend.wait_flag <mte3, s> [0]
  // CHECK-NEXT: memref.load
  // CHECK-NEXT: ascend.vbrc
  // CHECK-NEXT: ascend.set_flag <v, mte3> [1]
  // CHECK-NEXT: ascend.wait_flag <v, mte3> [1]
  // CHECK-NEXT: ascend.store
  // CHECK-NEXT: return
  func.func @scalar(%a: memref<8xf32, #gm>, %x: f32) attributes {gpu.kernel, ascend.core = #ascend.core<aiv>} {
    %c0 = arith.constant 0 : index
    %u = memref.alloc() : memref<8xf32, #ub>
    ascend.vbrc ins(%x : f32) outs(%u : memref<8xf32, #ub>)
    ascend.store ins(%u : memref<8xf32, #ub>) outs(%a : memref<8xf32, #gm>)
    %s = memref.load %a[%c0] : memref<8xf32, #gm>
    ascend.vbrc ins(%s : f32) outs(%u : memref<8xf32, #ub>)
    ascend.store ins(%u : memref<8xf32, #ub>) outs(%a : memref<8xf32, #gm>)
    return
  }
}
