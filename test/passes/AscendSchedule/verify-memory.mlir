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
