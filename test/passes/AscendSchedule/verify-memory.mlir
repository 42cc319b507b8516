// RUN: cell-opt %s --ascend-verify-kernels --split-input-file --verify-diagnostics
// What the analysis of kernels does not know is refused, or taken for the whole buffer.

// memref.view moves by bytes that its type does not show.
#gm = #ascend.space<gm>
#ub = #ascend.space<ub>
gpu.module @kernels {
  func.func @byte_view(%a: memref<64xf32, #gm>, %x: f32) attributes {gpu.kernel, ascend.core = #ascend.core<aiv>} {
    %c256 = arith.constant 256 : index
    %u = ascend.address [0] : memref<512xi8, #ub>
    %f = ascend.address [512] : memref<256xf16, #ub>
    %low = memref.view %u[%c256][] : memref<512xi8, #ub> to memref<64xf32, #ub>
    %high = memref.subview %u[256] [256] [1] : memref<512xi8, #ub> to memref<256xi8, strided<[1], offset: 256>, #ub>
    // expected-note @below {{by this 'ascend.load'}}
    ascend.load ins(%a : memref<64xf32, #gm>) outs(%low : memref<64xf32, #ub>)
    // expected-error @below {{on pipe V reads bytes [256, 512) of UB without waiting for pipe MTE2, which writes there}}
    ascend.vcast <rint> ins(%high : memref<256xi8, strided<[1], offset: 256>, #ub>) outs(%f : memref<256xf16, #ub>)
    return
  }
}

// -----

#gm = #ascend.space<gm>
#ub = #ascend.space<ub>
gpu.module @kernels {
  func.func @copy(%a: memref<64xf32, #gm>, %b: memref<64xf32, #gm>) attributes {gpu.kernel, ascend.core = #ascend.core<aiv>} {
    // expected-error @below {{'memref.copy' op cannot stand in a kernel of the vector or cube cores}}
    memref.copy %a, %b : memref<64xf32, #gm> to memref<64xf32, #gm>
    return
  }
}

// -----

#gm = #ascend.space<gm>
#ub = #ascend.space<ub>
gpu.module @kernels {
  func.func private @other()
  func.func @call() attributes {gpu.kernel, ascend.core = #ascend.core<aiv>} {
    // expected-error @below {{'func.call' op cannot stand in a kernel of the vector or cube cores}}
    func.call @other() : () -> ()
    return
  }
}

// -----

#gm = #ascend.space<gm>
#ub = #ascend.space<ub>
gpu.module @kernels {
  // expected-error @below {{has an argument of type 'memref<?xf32, #ascend.space<ub>>': kernels take global memory only}}
  func.func @local_argument(%a: memref<?xf32, #ub>) attributes {gpu.kernel, ascend.core = #ascend.core<aiv>} {
    return
  }
}

// -----

// Halves that overlap by half: an op may read what it writes only at the same place.
#gm = #ascend.space<gm>
#ub = #ascend.space<ub>
gpu.module @kernels {
  func.func @shifted() attributes {gpu.kernel, ascend.core = #ascend.core<aiv>} {
    %u = ascend.address [0] : memref<128xf32, #ub>
    %low = memref.subview %u[0] [64] [1] : memref<128xf32, #ub> to memref<64xf32, strided<[1]>, #ub>
    %high = memref.subview %u[32] [64] [1] : memref<128xf32, #ub> to memref<64xf32, strided<[1], offset: 32>, #ub>
    // expected-error @below {{reads bytes [0, 256) of a buffer of which it writes [128, 384) at the same time}}
    ascend.vun <exp> ins(%low : memref<64xf32, strided<[1]>, #ub>) outs(%high : memref<64xf32, strided<[1], offset: 32>, #ub>)
    return
  }
}

// -----

// A part of the output that is repeated changes while it is read.
#gm = #ascend.space<gm>
#ub = #ascend.space<ub>
gpu.module @kernels {
  func.func @repeated() attributes {gpu.kernel, ascend.core = #ascend.core<aiv>} {
    %u = ascend.address [0] : memref<4x64xf32, #ub>
    %row = memref.subview %u[0, 0] [1, 64] [1, 1] : memref<4x64xf32, #ub> to memref<1x64xf32, strided<[64, 1]>, #ub>
    // expected-error @below {{reads bytes [0, 256) of a buffer of which it writes [0, 1024) at the same time}}
    ascend.vbin <add> ins(%u, %row : memref<4x64xf32, #ub>, memref<1x64xf32, strided<[64, 1]>, #ub>) outs(%u : memref<4x64xf32, #ub>)
    return
  }
}

// -----

// Columns that lie between each other have no byte in common.
#gm = #ascend.space<gm>
#ub = #ascend.space<ub>
gpu.module @kernels {
  func.func @columns_beside_each_other() attributes {gpu.kernel, ascend.core = #ascend.core<aiv>} {
    %u = ascend.address [0] : memref<4x64xf32, #ub>
    %left = memref.subview %u[0, 0] [4, 32] [1, 1] : memref<4x64xf32, #ub> to memref<4x32xf32, strided<[64, 1]>, #ub>
    %right = memref.subview %u[0, 32] [4, 32] [1, 1] : memref<4x64xf32, #ub> to memref<4x32xf32, strided<[64, 1], offset: 32>, #ub>
    ascend.vun <exp> ins(%left : memref<4x32xf32, strided<[64, 1]>, #ub>) outs(%right : memref<4x32xf32, strided<[64, 1], offset: 32>, #ub>)
    return
  }
}

// -----

#gm = #ascend.space<gm>
#ub = #ascend.space<ub>
gpu.module @kernels {
  func.func @columns_that_meet() attributes {gpu.kernel, ascend.core = #ascend.core<aiv>} {
    %u = ascend.address [0] : memref<4x64xf32, #ub>
    %left = memref.subview %u[0, 0] [4, 40] [1, 1] : memref<4x64xf32, #ub> to memref<4x40xf32, strided<[64, 1]>, #ub>
    %right = memref.subview %u[0, 24] [4, 40] [1, 1] : memref<4x64xf32, #ub> to memref<4x40xf32, strided<[64, 1], offset: 24>, #ub>
    // expected-error @below {{reads bytes [0, 928) of a buffer of which it writes [96, 1024) at the same time}}
    ascend.vun <exp> ins(%left : memref<4x40xf32, strided<[64, 1]>, #ub>) outs(%right : memref<4x40xf32, strided<[64, 1], offset: 24>, #ub>)
    return
  }
}

// -----

// Equal types do not say that two starts are one.
#gm = #ascend.space<gm>
#ub = #ascend.space<ub>
gpu.module @kernels {
  func.func @starts_that_are_not_known(%i: index, %j: index) attributes {gpu.kernel, ascend.core = #ascend.core<aiv>} {
    %u = ascend.address [0] : memref<128xf32, #ub>
    %one = memref.subview %u[%i] [64] [1] : memref<128xf32, #ub> to memref<64xf32, strided<[1], offset: ?>, #ub>
    %same = memref.subview %u[%i] [64] [1] : memref<128xf32, #ub> to memref<64xf32, strided<[1], offset: ?>, #ub>
    %other = memref.subview %u[%j] [64] [1] : memref<128xf32, #ub> to memref<64xf32, strided<[1], offset: ?>, #ub>
    ascend.vun <exp> ins(%one : memref<64xf32, strided<[1], offset: ?>, #ub>) outs(%same : memref<64xf32, strided<[1], offset: ?>, #ub>)
    // expected-error @below {{of a buffer of which it writes [0, 512) at the same time}}
    ascend.vun <exp> ins(%one : memref<64xf32, strided<[1], offset: ?>, #ub>) outs(%other : memref<64xf32, strided<[1], offset: ?>, #ub>)
    return
  }
}

// -----

// A slot that is the distance from the lower bound counts steps only where a step is 1: both steps of this loop use the first place.
#gm = #ascend.space<gm>
#ub = #ascend.space<ub>
gpu.module @kernels {
  func.func @slot_that_does_not_count(%a: memref<65536xf32, #gm>) attributes {gpu.kernel, ascend.core = #ascend.core<aiv>} {
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %c5 = arith.constant 5 : index
    scf.for %i = %c1 to %c5 step %c2 {
      %slot = arith.subi %i, %c1 : index
      %u = ascend.address [0, 256] slot %slot : memref<64xf32, #ub>
      %x = memref.subview %a[%i] [64] [1] : memref<65536xf32, #gm> to memref<64xf32, strided<[1], offset: ?>, #gm>
      // expected-error @below {{on pipe MTE2 writes bytes [0, 256) of UB without waiting for pipe V, which writes there}}
      ascend.load ins(%x : memref<64xf32, strided<[1], offset: ?>, #gm>) outs(%u : memref<64xf32, #ub>)
      // expected-error @below {{flag <mte2, v> 0 is set again while the wait for the last time may not be over}}
      ascend.set_flag <mte2, v> [0, 1] slot %slot
      ascend.wait_flag <mte2, v> [0, 1] slot %slot
      // expected-note @below {{by this 'ascend.vun'}}
      ascend.vun <exp> ins(%u : memref<64xf32, #ub>) outs(%u : memref<64xf32, #ub>)
    }
    return
  }

  // Divided by the step it counts.
  func.func @slot_that_counts(%a: memref<65536xf32, #gm>) attributes {gpu.kernel, ascend.core = #ascend.core<aiv>} {
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %c5 = arith.constant 5 : index
    scf.for %i = %c1 to %c5 step %c2 {
      %distance = arith.subi %i, %c1 : index
      %slot = arith.divui %distance, %c2 : index
      %u = ascend.address [0, 256] slot %slot : memref<64xf32, #ub>
      %x = memref.subview %a[%i] [64] [1] : memref<65536xf32, #gm> to memref<64xf32, strided<[1], offset: ?>, #gm>
      ascend.load ins(%x : memref<64xf32, strided<[1], offset: ?>, #gm>) outs(%u : memref<64xf32, #ub>)
      ascend.set_flag <mte2, v> [0, 1] slot %slot
      ascend.wait_flag <mte2, v> [0, 1] slot %slot
      ascend.vun <exp> ins(%u : memref<64xf32, #ub>) outs(%u : memref<64xf32, #ub>)
    }
    return
  }
}
