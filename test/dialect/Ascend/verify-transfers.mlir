// RUN: cell-opt %s -split-input-file -verify-diagnostics

#ub = #ascend.space<ub>
#l1 = #ascend.space<l1>

func.func @load_from_ub(%a: memref<16xf16, #ub>, %b: memref<16xf16, #l1>) attributes {ascend.core = #ascend.core<aic>} {
  // expected-error @below {{'ascend.load' op needs its source in space gm, got memref<16xf16, #ascend.space<ub>>}}
  ascend.load ins(%a : memref<16xf16, #ub>) outs(%b : memref<16xf16, #l1>)
  return
}

// -----

#ub = #ascend.space<ub>
#l1 = #ascend.space<l1>

func.func @store_to_ub(%a: memref<16xf16, #ub>, %b: memref<16xf16, #l1>) attributes {ascend.core = #ascend.core<aiv>} {
  // expected-error @below {{'ascend.store' op needs its source in space ub, got memref<16xf16, #ascend.space<l1>>}}
  ascend.store ins(%b : memref<16xf16, #l1>) outs(%a : memref<16xf16, #ub>)
  return
}

// -----

#gm = #ascend.space<gm>
#l1 = #ascend.space<l1>

func.func @matrix_to_l1(%a: memref<16x16xf16, #gm>, %b: memref<16x16xf16, #l1>) attributes {ascend.core = #ascend.core<aic>} {
  // expected-error @below {{takes vectors to L1; matrices go there by ascend.nd2nz}}
  ascend.load ins(%a : memref<16x16xf16, #gm>) outs(%b : memref<16x16xf16, #l1>)
  return
}

// -----

#gm = #ascend.space<gm>
#ub = #ascend.space<ub>

func.func @strided(%a: memref<16xf32, strided<[2]>, #gm>, %b: memref<16xf32, #ub>) attributes {ascend.core = #ascend.core<aiv>} {
  // expected-error @below {{needs stride 1 along the last axis of its source}}
  ascend.load ins(%a : memref<16xf32, strided<[2]>, #gm>) outs(%b : memref<16xf32, #ub>)
  return
}

// -----

#gm = #ascend.space<gm>
#ub = #ascend.space<ub>

func.func @single_elements(%a: memref<16x1xf32, strided<[64, 1]>, #gm>, %b: memref<16x1xf32, #ub>) attributes {ascend.core = #ascend.core<aiv>} {
  // expected-error @below {{moves single elements into a column without gaps; give the rows in UB a pitch of 32 bytes}}
  ascend.load ins(%a : memref<16x1xf32, strided<[64, 1]>, #gm>) outs(%b : memref<16x1xf32, #ub>)
  return
}

// -----

#gm = #ascend.space<gm>
#ub = #ascend.space<ub>

func.func @bools(%a: memref<32xi1, #gm>, %b: memref<32xi1, #ub>) attributes {ascend.core = #ascend.core<aiv>} {
  // expected-error @below {{takes f32, f16, bf16, i64, i32, i16, i8 as element type of its source, got i1}}
  ascend.load ins(%a : memref<32xi1, #gm>) outs(%b : memref<32xi1, #ub>)
  return
}

// -----

#gm = #ascend.space<gm>
#ub = #ascend.space<ub>

func.func @atomic_i64(%a: memref<32xi64, #ub>, %b: memref<32xi64, #gm>) attributes {ascend.core = #ascend.core<aiv>} {
  // expected-error @below {{as element type of its output, got i64}}
  ascend.store ins(%a : memref<32xi64, #ub>) outs(%b : memref<32xi64, #gm>) atomic = add
  return
}

// -----

#gm = #ascend.space<gm>
#l1 = #ascend.space<l1>

func.func @fractal_tail(%a: memref<128x64xf32, #gm>, %b: memref<4x8x16x16xf32, #l1>) attributes {ascend.core = #ascend.core<aic>} {
  // expected-error @below {{needs fractals as its output: memref<?x?x16x8xf32>, got}}
  ascend.nd2nz ins(%a : memref<128x64xf32, #gm>) outs(%b : memref<4x8x16x16xf32, #l1>)
  return
}

// -----

#gm = #ascend.space<gm>
#l1 = #ascend.space<l1>

func.func @fractal_count(%a: memref<100x64xf16, #gm>, %b: memref<4x6x16x16xf16, #l1>) attributes {ascend.core = #ascend.core<aic>} {
  // expected-error @below {{needs 4x7 fractals for 'memref<100x64xf16, #ascend.space<gm>>', got 'memref<4x6x16x16xf16, #ascend.space<l1>>'}}
  ascend.nd2nz ins(%a : memref<100x64xf16, #gm>) outs(%b : memref<4x6x16x16xf16, #l1>)
  return
}

// -----

#gm = #ascend.space<gm>
#l1 = #ascend.space<l1>

func.func @no_matrix(%a: memref<2x64x64xf16, #gm>, %b: memref<4x8x16x16xf16, #l1>) attributes {ascend.core = #ascend.core<aic>} {
  // expected-error @below {{needs a matrix as its source, got 'memref<2x64x64xf16, #ascend.space<gm>>'; take memref.subview or memref.reinterpret_cast of it}}
  ascend.nd2nz ins(%a : memref<2x64x64xf16, #gm>) outs(%b : memref<4x8x16x16xf16, #l1>)
  return
}

// -----

#gm = #ascend.space<gm>
#l0c = #ascend.space<l0c>

func.func @narrow_integers(%a: memref<1x1x16x16xf32, #l0c>, %b: memref<16x16xi8, #gm>) attributes {ascend.core = #ascend.core<aic>} {
  // expected-error @below {{takes f32, f16, bf16 as element type of its output, got i8}}
  ascend.fixpipe ins(%a : memref<1x1x16x16xf32, #l0c>) outs(%b : memref<16x16xi8, #gm>)
  return
}

// -----

#gm = #ascend.space<gm>
#l0c = #ascend.space<l0c>

func.func @result_size(%a: memref<2x1x16x16xf32, #l0c>, %b: memref<16x16xf32, #gm>) attributes {ascend.core = #ascend.core<aic>} {
  // expected-error @below {{needs 1x1 fractals for 'memref<16x16xf32, #ascend.space<gm>>', got 'memref<2x1x16x16xf32, #ascend.space<l0c>>'}}
  ascend.fixpipe ins(%a : memref<2x1x16x16xf32, #l0c>) outs(%b : memref<16x16xf32, #gm>)
  return
}
