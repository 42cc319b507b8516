// RUN: cell-opt %s --ascend-plan-memory | FileCheck %s
// Buffers that are never alive together share bytes in straight code; the copies of a marked buffer get an address each.

#gm = #ascend.space<gm>
#ub = #ascend.space<ub>
gpu.module @kernels {
  // CHECK-LABEL: func.func @straight
  // CHECK-DAG: ascend.address [0] : memref<512xf32
  // CHECK-DAG: ascend.address [2048] : memref<256xf32
  // CHECK-DAG: ascend.address [0] : memref<128xf32
  // CHECK-NOT: memref.alloc
  func.func @straight(%a: memref<512xf32, #gm>, %b: memref<256xf32, #gm>, %c: memref<128xf32, #gm>, %x: f32) attributes {gpu.kernel, ascend.core = #ascend.core<aiv>} {
    %u = memref.alloc() : memref<512xf32, #ub>
    ascend.load ins(%a : memref<512xf32, #gm>) outs(%u : memref<512xf32, #ub>)
    %v = memref.alloc() : memref<256xf32, #ub>
    %w = memref.subview %u[0] [256] [1] : memref<512xf32, #ub> to memref<256xf32, strided<[1]>, #ub>
    ascend.vun <exp> ins(%w : memref<256xf32, strided<[1]>, #ub>) outs(%v : memref<256xf32, #ub>)
    ascend.store ins(%v : memref<256xf32, #ub>) outs(%b : memref<256xf32, #gm>)
    %z = memref.alloc() : memref<128xf32, #ub>
    ascend.vbrc ins(%x : f32) outs(%z : memref<128xf32, #ub>)
    ascend.store ins(%z : memref<128xf32, #ub>) outs(%c : memref<128xf32, #gm>)
    return
  }

  // CHECK-LABEL: func.func @copies
  // CHECK: scf.for %[[I:.*]] = %c0 to
  // CHECK: ascend.address [0, 64] slot %[[I]] : memref<9xf32
  // CHECK: scf.for %[[J:.*]] = %c3 to {{.*}} step %c2
  // CHECK: %[[D:.*]] = arith.subi %[[J]], %c3
  // CHECK: %[[STEP:.*]] = arith.divui %[[D]], %c2
  // CHECK: ascend.address [0, 64, 128] slot %[[STEP]] : memref<9xf32
  func.func @copies(%a: memref<9xf32, #gm>) attributes {gpu.kernel, ascend.core = #ascend.core<aiv>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %c3 = arith.constant 3 : index
    %c11 = arith.constant 11 : index
    scf.for %i = %c0 to %c11 step %c1 {
      %u = memref.alloc() {ascend.multi_buffer = 2 : i64} : memref<9xf32, #ub>
      ascend.load ins(%a : memref<9xf32, #gm>) outs(%u : memref<9xf32, #ub>)
      ascend.store ins(%u : memref<9xf32, #ub>) outs(%a : memref<9xf32, #gm>)
    }
    scf.for %j = %c3 to %c11 step %c2 {
      %u = memref.alloc() {ascend.multi_buffer = 3 : i64} : memref<9xf32, #ub>
      ascend.load ins(%a : memref<9xf32, #gm>) outs(%u : memref<9xf32, #ub>)
      ascend.store ins(%u : memref<9xf32, #ub>) outs(%a : memref<9xf32, #gm>)
    }
    return
  }
}
