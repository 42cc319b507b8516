// RUN: cell-opt %s --ascend-plan-memory --split-input-file --verify-diagnostics
// What does not fit is refused: the space, the need, the largest buffers.

#gm = #ascend.space<gm>
#ub = #ascend.space<ub>
gpu.module @kernels {
  // expected-error @+1 {{the kernel 'big' needs 204864 bytes of UB, Ascend910B3 has 196608; use smaller tiles, or fewer buffers that are alive together}}
  func.func @big(%a: memref<51200xf32, #gm>, %x: f32) attributes {gpu.kernel, ascend.core = #ascend.core<aiv>} {
    // expected-note @+1 {{204800 bytes: 'memref<51200xf32, #ascend.space<ub>>'}}
    %u = memref.alloc() : memref<51200xf32, #ub>
    // expected-note @+1 {{64 bytes: 'memref<10xf32, #ascend.space<ub>>'}}
    %v = memref.alloc() : memref<10xf32, #ub>
    ascend.vbrc ins(%x : f32) outs(%v : memref<10xf32, #ub>)
    ascend.load ins(%a : memref<51200xf32, #gm>) outs(%u : memref<51200xf32, #ub>)
    ascend.vbrc ins(%x : f32) outs(%v : memref<10xf32, #ub>)
    return
  }
}

// -----

#gm = #ascend.space<gm>
#l1 = #ascend.space<l1>
gpu.module @kernels attributes {ascend.target = #ascend.target<"Ascend910B3", {l1_bytes = 65536 : i64}>} {
  // expected-error @+1 {{the kernel 'copies' needs 98304 bytes of L1, Ascend910B3 has 65536}}
  func.func @copies(%a: memref<128x128xf16, #gm>) attributes {gpu.kernel, ascend.core = #ascend.core<aic>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c9 = arith.constant 9 : index
    scf.for %i = %c0 to %c9 step %c1 {
      // expected-note @+1 {{98304 bytes: 3 copies of 'memref<8x8x16x16xf16, #ascend.space<l1>>'}}
      %u = memref.alloc() {ascend.multi_buffer = 3 : i64} : memref<8x8x16x16xf16, #l1>
      ascend.nd2nz ins(%a : memref<128x128xf16, #gm>) outs(%u : memref<8x8x16x16xf16, #l1>)
    }
    return
  }
}

// -----

#gm = #ascend.space<gm>
#ub = #ascend.space<ub>
gpu.module @kernels {
  func.func @outside(%a: memref<64xf32, #gm>) attributes {gpu.kernel, ascend.core = #ascend.core<aiv>} {
    // expected-error @+1 {{ascend.multi_buffer is for buffers of a loop's body}}
    %u = memref.alloc() {ascend.multi_buffer = 2 : i64} : memref<64xf32, #ub>
    ascend.load ins(%a : memref<64xf32, #gm>) outs(%u : memref<64xf32, #ub>)
    return
  }
}

// -----

#gm = #ascend.space<gm>
#ub = #ascend.space<ub>
gpu.module @kernels {
  func.func @dynamic(%a: memref<?xf32, #gm>, %n: index) attributes {gpu.kernel, ascend.core = #ascend.core<aiv>} {
    // expected-error @+1 {{has no size known when compiling: give it the size of the largest tile and use a subview}}
    %u = memref.alloc(%n) : memref<?xf32, #ub>
    ascend.load ins(%a : memref<?xf32, #gm>) outs(%u : memref<?xf32, #ub>)
    return
  }
}

// -----

#gm = #ascend.space<gm>
gpu.module @kernels {
  func.func @store(%a: memref<8xf32, #gm>, %x: f32) attributes {gpu.kernel, ascend.core = #ascend.core<aiv>} {
    %c0 = arith.constant 0 : index
    // expected-error @+1 {{cannot stand in a kernel of the vector or cube cores}}
    memref.store %x, %a[%c0] : memref<8xf32, #gm>
    return
  }
}
