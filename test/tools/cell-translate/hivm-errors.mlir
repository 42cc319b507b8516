// REQUIRES: cell-translate
// RUN: cell-translate --ascend-to-hivm --form=planned --split-input-file --verify-diagnostics %s

#ub = #ascend.space<ub>

func.func @unplanned() attributes {ascend.core = #ascend.core<aiv>} {
  // expected-error @below {{has no address; run --ascend-plan-memory, or print the form 'auto'}}
  %u = memref.alloc() : memref<64xf32, #ascend.space<ub>>
  return
}

// -----

#ub = #ascend.space<ub>

func.func @crowded(%s: f32) attributes {ascend.core = #ascend.core<aiv>} {
  %u = ascend.address [0] : memref<49152xf32, #ub>
  // expected-error @below {{needs 32 bytes of scratch memory in ub, of which the plan of 'crowded' leaves 0; use smaller tiles, or print the form 'auto'}}
  ascend.vbin_scalar <sub> ins(%u, %s : memref<49152xf32, #ub>, f32) outs(%u : memref<49152xf32, #ub>)
  return
}

// -----

#ub = #ascend.space<ub>

func.func @axes() attributes {ascend.core = #ascend.core<aiv>} {
  %u = ascend.address [0] : memref<8x4x64xf32, #ub>
  %r = ascend.address [8192] : memref<1x4x1xf32, #ub>
  // expected-error @below {{reduces axes [0, 2] at once, for which HIVM has no form; take one after the other}}
  ascend.vreduce <sum> dims = [0, 2] ins(%u : memref<8x4x64xf32, #ub>) outs(%r : memref<1x4x1xf32, #ub>)
  return
}

// -----

#ub = #ascend.space<ub>

func.func @between() attributes {ascend.core = #ascend.core<aiv>} {
  %u = ascend.address [0] : memref<8x4x64xf32, #ub>
  %r = ascend.address [8192] : memref<8x1x64xf32, #ub>
  // expected-error @below {{reduces axis 1 between others, for which HIVM has no form; loop over the outer axes}}
  ascend.vreduce <sum> dims = [1] ins(%u : memref<8x4x64xf32, #ub>) outs(%r : memref<8x1x64xf32, #ub>)
  return
}

// -----

func.func @lowered(%a: memref<1x1x16x16xf16, #ascend.space<l1>>) attributes {ascend.core = #ascend.core<aic>} {
  %b = ascend.address [0] : memref<1x1x16x16xf16, #ascend.space<l0a>>
  // expected-error @below {{has no form in HIVM, whose products start in L1; print kernels before --ascend-decompose}}
  ascend.l1_to_l0a ins(%a : memref<1x1x16x16xf16, #ascend.space<l1>>) outs(%b : memref<1x1x16x16xf16, #ascend.space<l0a>>)
  return
}

// -----

func.func @foreign(%a: f32) attributes {ascend.core = #ascend.core<aiv>} {
  // expected-error @below {{'math.sin' has no form in HIVM; a kernel is made of ascend, arith, scf.for, scf.if and memref ops}}
  %b = math.sin %a : f32
  return
}
