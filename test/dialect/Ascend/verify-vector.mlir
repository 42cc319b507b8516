// RUN: cell-opt %s -split-input-file -verify-diagnostics

#gm = #ascend.space<gm>
#ub = #ascend.space<ub>

func.func @operand_in_global_memory(%a: memref<16xf16, #gm>, %b: memref<16xf16, #ub>) attributes {ascend.core = #ascend.core<aiv>} {
  // expected-error @below {{'ascend.vbin' op needs its left operand in space ub, got memref<16xf16, #ascend.space<gm>>}}
  ascend.vbin <add> ins(%a, %b : memref<16xf16, #gm>, memref<16xf16, #ub>) outs(%b : memref<16xf16, #ub>)
  return
}

// -----

#ub = #ascend.space<ub>

func.func @shapes(%a: memref<16xf16, #ub>, %b: memref<32xf16, #ub>) attributes {ascend.core = #ascend.core<aiv>} {
  // expected-error @below {{needs its right operand in the shape of its output, or with size 1, got memref<32xf16, #ascend.space<ub>> for memref<16xf16, #ascend.space<ub>>}}
  ascend.vbin <add> ins(%a, %b : memref<16xf16, #ub>, memref<32xf16, #ub>) outs(%a : memref<16xf16, #ub>)
  return
}

// -----

#ub = #ascend.space<ub>

func.func @element_types(%a: memref<16xf32, #ub>, %b: memref<16xf16, #ub>) attributes {ascend.core = #ascend.core<aiv>} {
  // expected-error @below {{needs its left operand in the element type of its output, f16, got f32; cast with ascend.vcast}}
  ascend.vbin <add> ins(%a, %b : memref<16xf32, #ub>, memref<16xf16, #ub>) outs(%b : memref<16xf16, #ub>)
  return
}

// -----

#ub = #ascend.space<ub>

func.func @double(%a: memref<16xf64, #ub>) attributes {ascend.core = #ascend.core<aiv>} {
  // expected-error @below {{takes f32, f16, i32, i16 as element type of its output, got f64; cast before, or run it on the general cores (aicpu)}}
  ascend.vbin <add> ins(%a, %a : memref<16xf64, #ub>, memref<16xf64, #ub>) outs(%a : memref<16xf64, #ub>)
  return
}

// -----

#ub = #ascend.space<ub>

func.func @bfloat(%a: memref<16xbf16, #ub>) attributes {ascend.core = #ascend.core<aiv>} {
  // expected-error @below {{takes f32, f16 as element type of its output, got bf16}}
  ascend.vun <exp> ins(%a : memref<16xbf16, #ub>) outs(%a : memref<16xbf16, #ub>)
  return
}

// -----

#ub = #ascend.space<ub>

func.func @wrong_core(%a: memref<16xf32, #ub>) attributes {ascend.core = #ascend.core<aic>} {
  // expected-error @below {{runs on a core of kind aiv, but its kernel is for aic; make two kernels that meet in global memory}}
  ascend.vun <exp> ins(%a : memref<16xf32, #ub>) outs(%a : memref<16xf32, #ub>)
  return
}

// -----

#ub = #ascend.space<ub>

func.func @no_core(%a: memref<16xf32, #ub>) {
  // expected-error @below {{is in a function without 'ascend.core'; give the kernel ascend.core = #ascend.core<aiv>}}
  ascend.vun <exp> ins(%a : memref<16xf32, #ub>) outs(%a : memref<16xf32, #ub>)
  return
}

// -----

#ub = #ascend.space<ub>

func.func @vector_shift(%a: memref<16xi32, #ub>) attributes {ascend.core = #ascend.core<aiv>} {
  // expected-error @below {{shifts by a scalar only; use ascend.vbin_scalar, or run it on the general cores (aicpu)}}
  ascend.vbin <shl> ins(%a, %a : memref<16xi32, #ub>, memref<16xi32, #ub>) outs(%a : memref<16xi32, #ub>)
  return
}

// -----

#ub = #ascend.space<ub>

func.func @scalar_and(%a: memref<16xi32, #ub>, %s: i32) attributes {ascend.core = #ascend.core<aiv>} {
  // expected-error @below {{has no form with a scalar for and; fill a buffer with ascend.vbrc and use ascend.vbin}}
  ascend.vbin_scalar <and> ins(%a, %s : memref<16xi32, #ub>, i32) outs(%a : memref<16xi32, #ub>)
  return
}

// -----

#ub = #ascend.space<ub>

func.func @reversed_product(%a: memref<16xf32, #ub>, %s: f32) attributes {ascend.core = #ascend.core<aiv>} {
  // expected-error @below {{takes 'reverse' for sub and div, not for mul}}
  ascend.vbin_scalar <mul> ins(%a, %s : memref<16xf32, #ub>, f32) outs(%a : memref<16xf32, #ub>) reverse
  return
}

// -----

#ub = #ascend.space<ub>

func.func @scalar_type(%a: memref<16xf16, #ub>, %s: f32) attributes {ascend.core = #ascend.core<aiv>} {
  // expected-error @below {{needs its scalar in the element type of its output, f16, got f32}}
  ascend.vbin_scalar <mul> ins(%a, %s : memref<16xf16, #ub>, f32) outs(%a : memref<16xf16, #ub>)
  return
}

// -----

#ub = #ascend.space<ub>

func.func @no_conversion(%a: memref<32xbf16, #ub>, %b: memref<32xf16, #ub>) attributes {ascend.core = #ascend.core<aiv>} {
  // expected-error @below {{has no conversion from 'bf16' to 'f16'; go by way of f32 or f16, or run it on the general cores (aicpu)}}
  ascend.vcast <rint> ins(%a : memref<32xbf16, #ub>) outs(%b : memref<32xf16, #ub>)
  return
}

// -----

#ub = #ascend.space<ub>

func.func @bytes_along_rows(%a: memref<16x1xi8, #ub>, %b: memref<16x32xi8, #ub>) attributes {ascend.core = #ascend.core<aiv>} {
  // expected-error @below {{does not repeat elements of one byte along the last axis}}
  ascend.vbrc ins(%a : memref<16x1xi8, #ub>) outs(%b : memref<16x32xi8, #ub>)
  return
}
