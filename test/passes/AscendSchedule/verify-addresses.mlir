// RUN: cell-opt %s --ascend-verify-kernels --split-input-file --verify-diagnostics
// Buffers without an address, and addresses that buffers share while they are alive together.

#gm = #ascend.space<gm>
#ub = #ascend.space<ub>
gpu.module @kernels {
  func.func @unplanned(%x: f32) attributes {gpu.kernel, ascend.core = #ascend.core<aiv>} {
    // expected-error @+1 {{has no address yet: run ascend-plan-memory}}
    %u = memref.alloc() : memref<16xf32, #ub>
    ascend.vbrc ins(%x : f32) outs(%u : memref<16xf32, #ub>)
    return
  }
}

// -----

#gm = #ascend.space<gm>
#ub = #ascend.space<ub>
gpu.module @kernels {
  func.func @overlap(%x: f32) attributes {gpu.kernel, ascend.core = #ascend.core<aiv>} {
    %u = ascend.address [0] : memref<16xf32, #ub>
    // expected-error @+1 {{shares bytes [32, 64) of UB with a buffer that is alive at the same time}}
    %v = ascend.address [32] : memref<16xf32, #ub>
    ascend.vbrc ins(%x : f32) outs(%u : memref<16xf32, #ub>)
    ascend.vbrc ins(%x : f32) outs(%v : memref<16xf32, #ub>)
    ascend.vun <exp> ins(%u : memref<16xf32, #ub>) outs(%u : memref<16xf32, #ub>)
    return
  }

  // One after the other: no overlap.
  func.func @shared(%x: f32) attributes {gpu.kernel, ascend.core = #ascend.core<aiv>} {
    %u = ascend.address [0] : memref<16xf32, #ub>
    %v = ascend.address [32] : memref<16xf32, #ub>
    ascend.vbrc ins(%x : f32) outs(%u : memref<16xf32, #ub>)
    ascend.vbrc ins(%x : f32) outs(%v : memref<16xf32, #ub>)
    return
  }
}

// -----

// A buffer from outside of a loop is alive in all of it.
#gm = #ascend.space<gm>
#ub = #ascend.space<ub>
gpu.module @kernels {
  func.func @around(%x: f32) attributes {gpu.kernel, ascend.core = #ascend.core<aiv>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c9 = arith.constant 9 : index
    %u = ascend.address [0] : memref<16xf32, #ub>
    scf.for %i = %c0 to %c9 step %c1 {
      ascend.vbrc ins(%x : f32) outs(%u : memref<16xf32, #ub>)
      // expected-error @+1 {{shares bytes [0, 64) of UB with a buffer that is alive at the same time}}
      %v = ascend.address [64, 0] slot %i : memref<16xf32, #ub>
      ascend.vbrc ins(%x : f32) outs(%v : memref<16xf32, #ub>)
    }
    return
  }
}
