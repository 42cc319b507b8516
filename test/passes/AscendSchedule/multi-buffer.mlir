// RUN: cell-opt %s --ascend-multi-buffer --verify-diagnostics | FileCheck %s
// Marked: buffers of a loop that two pipes use, while all fits. Not: those of one pipe, of one step, outside of loops, and the ones that forbid it.

#gm = #ascend.space<gm>
#ub = #ascend.space<ub>
gpu.module @kernels {
  // CHECK-LABEL: func.func @marked
  // CHECK: memref.alloc() : memref<16xf32
  // CHECK: memref.alloc() {ascend.multi_buffer = 2 : i64} : memref<8xf32
  // CHECK: memref.alloc() : memref<32xf32
  // CHECK: memref.alloc() {ascend.multi_buffer = 1 : i64} : memref<64xf32
  func.func @marked(%a: memref<8xf32, #gm>, %b: memref<16xf32, #gm>, %c: memref<64xf32, #gm>, %x: f32) attributes {gpu.kernel, ascend.core = #ascend.core<aiv>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c9 = arith.constant 9 : index
    %sum = memref.alloc() : memref<16xf32, #ub>
    ascend.vbrc ins(%x : f32) outs(%sum : memref<16xf32, #ub>)
    scf.for %i = %c0 to %c9 step %c1 {
      %u = memref.alloc() : memref<8xf32, #ub>
      %v = memref.alloc() : memref<32xf32, #ub>
      %w = memref.alloc() {ascend.multi_buffer = 1 : i64} : memref<64xf32, #ub>
      ascend.load ins(%a : memref<8xf32, #gm>) outs(%u : memref<8xf32, #ub>)
      ascend.load ins(%c : memref<64xf32, #gm>) outs(%w : memref<64xf32, #ub>)
      ascend.vun <exp> ins(%w : memref<64xf32, #ub>) outs(%w : memref<64xf32, #ub>)
      ascend.vun <exp> ins(%u : memref<8xf32, #ub>) outs(%u : memref<8xf32, #ub>)
      ascend.vbrc ins(%x : f32) outs(%v : memref<32xf32, #ub>)
    }
    ascend.store ins(%sum : memref<16xf32, #ub>) outs(%b : memref<16xf32, #gm>)
    return
  }

  // CHECK-LABEL: func.func @once
  // CHECK: memref.alloc() : memref<8xf32
  func.func @once(%a: memref<8xf32, #gm>) attributes {gpu.kernel, ascend.core = #ascend.core<aiv>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    scf.for %i = %c0 to %c1 step %c1 {
      %u = memref.alloc() : memref<8xf32, #ub>
      ascend.load ins(%a : memref<8xf32, #gm>) outs(%u : memref<8xf32, #ub>)
      ascend.store ins(%u : memref<8xf32, #ub>) outs(%a : memref<8xf32, #gm>)
    }
    return
  }

  // The tile that is loaded goes before the one that is stored; a mark that does not fit is taken back.
  // CHECK-LABEL: func.func @full
  // CHECK: memref.alloc() {ascend.multi_buffer = 2 : i64} : memref<16384xf32
  // CHECK: memref.alloc() : memref<16384xf32
  func.func @full(%a: memref<16384xf32, #gm>) attributes {gpu.kernel, ascend.core = #ascend.core<aiv>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c9 = arith.constant 9 : index
    scf.for %i = %c0 to %c9 step %c1 {
      %u = memref.alloc() : memref<16384xf32, #ub>
      // expected-remark @+1 {{kept single: 2 copies of this buffer do not fit into UB}}
      %v = memref.alloc() {ascend.multi_buffer = 2 : i64} : memref<16384xf32, #ub>
      ascend.load ins(%a : memref<16384xf32, #gm>) outs(%u : memref<16384xf32, #ub>)
      ascend.vun <exp> ins(%u : memref<16384xf32, #ub>) outs(%v : memref<16384xf32, #ub>)
      ascend.store ins(%v : memref<16384xf32, #ub>) outs(%a : memref<16384xf32, #gm>)
    }
    return
  }
}
