// RUN: cell-opt %s --ascend-verify-kernels --split-input-file --verify-diagnostics
// Conflicting accesses of different pipes that nothing orders.

// Read after write.
#gm = #ascend.space<gm>
#ub = #ascend.space<ub>
gpu.module @kernels {
  func.func @raw(%a: memref<64xf32, #gm>) attributes {gpu.kernel, ascend.core = #ascend.core<aiv>} {
    %u = ascend.address [64] : memref<64xf32, #ub>
    // expected-note @+1 {{by this 'ascend.load'}}
    ascend.load ins(%a : memref<64xf32, #gm>) outs(%u : memref<64xf32, #ub>)
    // expected-error @+1 {{on pipe V writes bytes [64, 320) of UB without waiting for pipe MTE2, which writes there}}
    ascend.vun <exp> ins(%u : memref<64xf32, #ub>) outs(%u : memref<64xf32, #ub>)
    return
  }
}

// -----

// Write after read: the load fills what a store still reads. The flag is set too early.
#gm = #ascend.space<gm>
#ub = #ascend.space<ub>
gpu.module @kernels {
  func.func @war(%a: memref<64xf32, #gm>, %b: memref<64xf32, #gm>, %x: f32) attributes {gpu.kernel, ascend.core = #ascend.core<aiv>} {
    %u = ascend.address [0] : memref<64xf32, #ub>
    ascend.vbrc ins(%x : f32) outs(%u : memref<64xf32, #ub>)
    ascend.set_flag <v, mte3> [0]
    ascend.wait_flag <v, mte3> [0]
    ascend.set_flag <mte3, mte2> [0]
    // expected-note @+1 {{by this 'ascend.store'}}
    ascend.store ins(%u : memref<64xf32, #ub>) outs(%a : memref<64xf32, #gm>)
    ascend.wait_flag <mte3, mte2> [0]
    // expected-error @+1 {{on pipe MTE2 writes bytes [0, 256) of UB without waiting for pipe MTE3, which reads there}}
    ascend.load ins(%b : memref<64xf32, #gm>) outs(%u : memref<64xf32, #ub>)
    return
  }
}

// -----

// Part of a buffer: the halves are apart, the last op reads both.
#gm = #ascend.space<gm>
#ub = #ascend.space<ub>
gpu.module @kernels {
  func.func @halves(%a: memref<64xf32, #gm>, %b: memref<128xf32, #gm>, %x: f32) attributes {gpu.kernel, ascend.core = #ascend.core<aiv>} {
    %u = ascend.address [0] : memref<128xf32, #ub>
    %low = memref.subview %u[0] [64] [1] : memref<128xf32, #ub> to memref<64xf32, strided<[1]>, #ub>
    %high = memref.subview %u[64] [64] [1] : memref<128xf32, #ub> to memref<64xf32, strided<[1], offset: 64>, #ub>
    // expected-note @+1 {{by this 'ascend.load'}}
    ascend.load ins(%a : memref<64xf32, #gm>) outs(%low : memref<64xf32, strided<[1]>, #ub>)
    ascend.vbrc ins(%x : f32) outs(%high : memref<64xf32, strided<[1], offset: 64>, #ub>)
    ascend.set_flag <v, mte3> [0]
    ascend.wait_flag <v, mte3> [0]
    // expected-error @+1 {{on pipe MTE3 reads bytes [0, 512) of UB without waiting for pipe MTE2, which writes there}}
    ascend.store ins(%u : memref<128xf32, #ub>) outs(%b : memref<128xf32, #gm>)
    return
  }
}

// -----

// Over the back edge: the next load does not wait for the store of this step.
#gm = #ascend.space<gm>
#ub = #ascend.space<ub>
gpu.module @kernels {
  func.func @back_edge(%a: memref<64xf32, #gm>, %b: memref<64xf32, #gm>, %n: index) attributes {gpu.kernel, ascend.core = #ascend.core<aiv>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    scf.for %i = %c0 to %n step %c1 {
      %u = ascend.address [0] : memref<64xf32, #ub>
      // expected-error @+1 {{on pipe MTE2 writes bytes [0, 256) of UB without waiting for pipe MTE3, which reads there}}
      ascend.load ins(%a : memref<64xf32, #gm>) outs(%u : memref<64xf32, #ub>)
      // expected-error @+1 {{is set again while the wait for the last time may not be over: a flag is up or down, it does not count}}
      ascend.set_flag <mte2, mte3> [0]
      ascend.wait_flag <mte2, mte3> [0]
      // expected-note @+1 {{by this 'ascend.store'}}
      ascend.store ins(%u : memref<64xf32, #ub>) outs(%b : memref<64xf32, #gm>)
    }
    return
  }
}

// -----

// Two copies, a step that goes back to the same one: the slot does not count the steps.
#gm = #ascend.space<gm>
#ub = #ascend.space<ub>
gpu.module @kernels {
  func.func @slot(%a: memref<64xf32, #gm>, %b: memref<64xf32, #gm>, %n: index) attributes {gpu.kernel, ascend.core = #ascend.core<aiv>} {
    %c0 = arith.constant 0 : index
    %c2 = arith.constant 2 : index
    ascend.set_flag <mte3, mte2> [0]
    scf.for %i = %c0 to %n step %c2 {
      %u = ascend.address [0, 256] slot %i : memref<64xf32, #ub>
      // expected-error @+1 {{on pipe MTE2 writes bytes [0, 256) of UB without waiting for pipe MTE3, which reads there}}
      ascend.load ins(%a : memref<64xf32, #gm>) outs(%u : memref<64xf32, #ub>)
      // expected-error @+1 {{is set again while the wait for the last time may not be over: a flag is up or down, it does not count}}
      ascend.set_flag <mte2, mte3> [0]
      ascend.wait_flag <mte2, mte3> [0]
      ascend.wait_flag <mte3, mte2> [0]
      // expected-note @+1 {{by this 'ascend.store'}}
      ascend.store ins(%u : memref<64xf32, #ub>) outs(%b : memref<64xf32, #gm>)
      // expected-error @+1 {{is set again while the wait for the last time may not be over: a flag is up or down, it does not count}}
      ascend.set_flag <mte3, mte2> [0]
    }
    ascend.wait_flag <mte3, mte2> [0]
    return
  }
}

// -----

// The flags order the steps of the loop, which may not run at all.
#gm = #ascend.space<gm>
#ub = #ascend.space<ub>
gpu.module @kernels {
  func.func @no_step(%a: memref<64xf32, #gm>, %b: memref<64xf32, #gm>, %n: index) attributes {gpu.kernel, ascend.core = #ascend.core<aiv>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %u = ascend.address [0] : memref<64xf32, #ub>
    // expected-note @+1 {{by this 'ascend.load'}}
    ascend.load ins(%a : memref<64xf32, #gm>) outs(%u : memref<64xf32, #ub>)
    scf.for %i = %c0 to %n step %c1 {
      // expected-error @+1 {{is set again while the wait for the last time may not be over: a flag is up or down, it does not count}}
      ascend.set_flag <mte2, mte3> [0]
      ascend.wait_flag <mte2, mte3> [0]
    }
    // expected-error @+1 {{on pipe MTE3 reads bytes [0, 256) of UB without waiting for pipe MTE2, which writes there}}
    ascend.store ins(%u : memref<64xf32, #ub>) outs(%b : memref<64xf32, #gm>)
    return
  }
}

// -----

// Global memory: the load may not overtake the store to the same argument.
#gm = #ascend.space<gm>
#ub = #ascend.space<ub>
gpu.module @kernels {
  func.func @global(%a: memref<64xf32, #gm>, %x: f32) attributes {gpu.kernel, ascend.core = #ascend.core<aiv>} {
    %u = ascend.address [0] : memref<64xf32, #ub>
    %v = ascend.address [256] : memref<64xf32, #ub>
    ascend.vbrc ins(%x : f32) outs(%u : memref<64xf32, #ub>)
    ascend.set_flag <v, mte3> [0]
    ascend.wait_flag <v, mte3> [0]
    // expected-note @+1 {{by this 'ascend.store'}}
    ascend.store ins(%u : memref<64xf32, #ub>) outs(%a : memref<64xf32, #gm>)
    // expected-error @+1 {{on pipe MTE2 reads global memory without waiting for pipe MTE3, which writes there}}
    ascend.load ins(%a : memref<64xf32, #gm>) outs(%v : memref<64xf32, #ub>)
    return
  }

  // A barrier of one pipe orders nothing else.
  func.func @barriers(%a: memref<64xf32, #gm>) attributes {gpu.kernel, ascend.core = #ascend.core<aiv>} {
    %u = ascend.address [0] : memref<64xf32, #ub>
    // expected-note @+1 {{by this 'ascend.load'}}
    ascend.load ins(%a : memref<64xf32, #gm>) outs(%u : memref<64xf32, #ub>)
    ascend.barrier <v>
    // expected-error @+1 {{on pipe V writes}}
    ascend.vun <exp> ins(%u : memref<64xf32, #ub>) outs(%u : memref<64xf32, #ub>)
    ascend.barrier <all>
    ascend.store ins(%u : memref<64xf32, #ub>) outs(%a : memref<64xf32, #gm>)
    return
  }
}
