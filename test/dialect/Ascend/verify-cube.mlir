// RUN: cell-opt %s -split-input-file -verify-diagnostics

#l1 = #ascend.space<l1>
#ub = #ascend.space<ub>
#l0c = #ascend.space<l0c>

func.func @operand_in_ub(%a: memref<8x8x16x16xf16, #ub>, %b: memref<8x8x16x16xf16, #l1>, %c: memref<8x8x16x16xf32, #l0c>, %t: i1) attributes {ascend.core = #ascend.core<aic>} {
  // expected-error @below {{'ascend.mmad_l1' op needs its left operand in space l1, got memref<8x8x16x16xf16, #ascend.space<ub>>}}
  ascend.mmad_l1 ins(%a, %b, %t : memref<8x8x16x16xf16, #ub>, memref<8x8x16x16xf16, #l1>) outs(%c : memref<8x8x16x16xf32, #l0c>)
  return
}

// -----

#l1 = #ascend.space<l1>
#l0c = #ascend.space<l0c>

func.func @half_sums(%a: memref<8x8x16x16xf16, #l1>, %c: memref<8x8x16x16xf16, #l0c>, %t: i1) attributes {ascend.core = #ascend.core<aic>} {
  // expected-error @below {{takes f32 as element type of its output, got f16}}
  ascend.mmad_l1 ins(%a, %a, %t : memref<8x8x16x16xf16, #l1>, memref<8x8x16x16xf16, #l1>) outs(%c : memref<8x8x16x16xf16, #l0c>)
  return
}

// -----

#l1 = #ascend.space<l1>
#l0c = #ascend.space<l0c>

func.func @integer_product(%a: memref<8x8x16x8xi32, #l1>, %c: memref<4x8x16x16xi32, #l0c>, %t: i1) attributes {ascend.core = #ascend.core<aic>} {
  // expected-error @below {{takes f32, f16, bf16, i8 as element type of its left operand, got i32}}
  ascend.mmad_l1 ins(%a, %a, %t : memref<8x8x16x8xi32, #l1>, memref<8x8x16x8xi32, #l1>) outs(%c : memref<4x8x16x16xi32, #l0c>)
  return
}

// -----

#l1 = #ascend.space<l1>
#l0c = #ascend.space<l0c>

func.func @inner_sizes(%a: memref<4x8x16x16xf16, #l1>, %b: memref<8x5x16x16xf16, #l1>, %c: memref<8x8x16x16xf32, #l0c>, %t: i1) attributes {ascend.core = #ascend.core<aic>} {
  // expected-error @below {{has 64 and 80 elements along K, padding included; these are the same axis}}
  ascend.mmad_l1 ins(%a, %b, %t : memref<4x8x16x16xf16, #l1>, memref<8x5x16x16xf16, #l1>) outs(%c : memref<8x8x16x16xf32, #l0c>)
  return
}

// -----

#l0a = #ascend.space<l0a>
#l0b = #ascend.space<l0b>
#l0c = #ascend.space<l0c>

func.func @outer_size(%a: memref<8x4x16x16xf16, #l0a>, %b: memref<4x8x16x16xf16, #l0b>, %c: memref<8x7x16x16xf32, #l0c>, %t: i1) attributes {ascend.core = #ascend.core<aic>} {
  // expected-error @below {{has 128 and 112 elements along M, padding included; these are the same axis}}
  ascend.mmad ins(%a, %b, %t : memref<8x4x16x16xf16, #l0a>, memref<4x8x16x16xf16, #l0b>) outs(%c : memref<8x7x16x16xf32, #l0c>)
  return
}

// -----

#l0a = #ascend.space<l0a>
#l0b = #ascend.space<l0b>
#l0c = #ascend.space<l0c>

func.func @mixed(%a: memref<8x4x16x16xf16, #l0a>, %b: memref<4x8x16x16xbf16, #l0b>, %c: memref<8x8x16x16xf32, #l0c>, %t: i1) attributes {ascend.core = #ascend.core<aic>} {
  // expected-error @below {{needs operands of one element type, got 'f16' and 'bf16'}}
  ascend.mmad ins(%a, %b, %t : memref<8x4x16x16xf16, #l0a>, memref<4x8x16x16xbf16, #l0b>) outs(%c : memref<8x8x16x16xf32, #l0c>)
  return
}

// -----

#l1 = #ascend.space<l1>
#l0c = #ascend.space<l0c>

func.func @bias_size(%a: memref<8x8x16x16xf16, #l1>, %v: memref<100xf32, #l1>, %c: memref<8x8x16x16xf32, #l0c>, %t: i1) attributes {ascend.core = #ascend.core<aic>} {
  // expected-error @below {{needs a bias with one number per column of its output, memref<8x8x16x16xf32, #ascend.space<l0c>>, got memref<100xf32, #ascend.space<l1>>}}
  ascend.mmad_l1 ins(%a, %a, %t : memref<8x8x16x16xf16, #l1>, memref<8x8x16x16xf16, #l1>) bias(%v : memref<100xf32, #l1>) outs(%c : memref<8x8x16x16xf32, #l0c>)
  return
}

// -----

#l1 = #ascend.space<l1>
#l0c = #ascend.space<l0c>

func.func @bias_transposed(%a: memref<8x8x16x16xf16, #l1>, %v: memref<128xf32, #l1>, %c: memref<8x8x16x16xf32, #l0c>, %t: i1) attributes {ascend.core = #ascend.core<aic>} {
  // expected-error @below {{takes a bias only with operands that are not transposed; add it in a vector kernel}}
  ascend.mmad_l1 ins(%a, %a, %t : memref<8x8x16x16xf16, #l1>, memref<8x8x16x16xf16, #l1>) bias(%v : memref<128xf32, #l1>) outs(%c : memref<8x8x16x16xf32, #l0c>) transpose_b
  return
}

// -----

#l1 = #ascend.space<l1>
#l0a = #ascend.space<l0a>

func.func @not_transposed(%a: memref<2x8x16x16xf16, #l1>, %b: memref<2x8x16x16xf16, #l0a>) attributes {ascend.core = #ascend.core<aic>} {
  // expected-error @below {{moves a matrix of 128x32 elements, padding included, to one of 32x128}}
  ascend.l1_to_l0a ins(%a : memref<2x8x16x16xf16, #l1>) outs(%b : memref<2x8x16x16xf16, #l0a>)
  return
}

// -----

#l1 = #ascend.space<l1>
#bt = #ascend.space<bt>

func.func @bias_type(%a: memref<64xf32, #l1>, %b: memref<64xi32, #bt>) attributes {ascend.core = #ascend.core<aic>} {
  // expected-error @below {{moves a vector: f32 or f16 to f32, i32 to i32; got 'memref<64xf32, #ascend.space<l1>>' and 'memref<64xi32, #ascend.space<bt>>'}}
  ascend.l1_to_bt ins(%a : memref<64xf32, #l1>) outs(%b : memref<64xi32, #bt>)
  return
}

// -----

#l1 = #ascend.space<l1>
#l0a = #ascend.space<l0a>
#l0b = #ascend.space<l0b>
#l0c = #ascend.space<l0c>

// Fractals of f32 are 16 x 8: a transposed side is padded to another multiple than the side that it becomes.
func.func @padding(%a: memref<3x1x16x8xf32, #l1>, %t: memref<2x2x16x8xf32, #l0a>, %b: memref<2x1x16x8xf32, #l1>, %c: memref<1x2x16x16xf32, #l0c>, %i: i1) attributes {ascend.core = #ascend.core<aic>} {
  ascend.l1_to_l0a ins(%a : memref<3x1x16x8xf32, #l1>) outs(%t : memref<2x2x16x8xf32, #l0a>) transpose
  ascend.mmad_l1 ins(%a, %b, %i : memref<3x1x16x8xf32, #l1>, memref<2x1x16x8xf32, #l1>) outs(%c : memref<1x2x16x16xf32, #l0c>) transpose_a transpose_b
  return
}
