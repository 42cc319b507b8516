// RUN: cell-opt %s --ascend-plan-memory --ascend-insert-sync --ascend-verify-kernels | FileCheck %s
// Scratch memory of an op is planned as a buffer that lives while the op runs, in bytes that no transfer has then.

#gm = #ascend.space<gm>
#ub = #ascend.space<ub>
gpu.module @kernels {
  // CHECK-LABEL: func.func @sum
  // CHECK-DAG: ascend.address [0] : memref<16x512xf32
  // CHECK: ascend.vreduce <sum> {{.*}}ascend.scratch = 32768 : i64
  // CHECK: ascend.address [0] : memref<4096xf32
  func.func @sum(%a: memref<16x512xf32, #gm>, %b: memref<16x1xf32, #gm>, %c: memref<4096xf32, #gm>, %x: f32) attributes {gpu.kernel, ascend.core = #ascend.core<aiv>} {
    %u = memref.alloc() : memref<16x512xf32, #ub>
    %s = memref.alloc() : memref<16x1xf32, #ub>
    ascend.load ins(%a : memref<16x512xf32, #gm>) outs(%u : memref<16x512xf32, #ub>)
    ascend.vreduce <sum> dims = [1] ins(%u : memref<16x512xf32, #ub>) outs(%s : memref<16x1xf32, #ub>)
    ascend.store ins(%s : memref<16x1xf32, #ub>) outs(%b : memref<16x1xf32, #gm>)
    %v = memref.alloc() : memref<4096xf32, #ub>
    ascend.vbrc ins(%x : f32) outs(%v : memref<4096xf32, #ub>)
    ascend.store ins(%v : memref<4096xf32, #ub>) outs(%c : memref<4096xf32, #gm>)
    return
  }
}
