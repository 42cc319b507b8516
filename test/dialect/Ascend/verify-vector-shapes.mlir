// RUN: cell-opt %s -split-input-file -verify-diagnostics

#ub = #ascend.space<ub>

func.func @lost_axis(%a: memref<16x64xf32, #ub>, %b: memref<16xf32, #ub>) attributes {ascend.core = #ascend.core<aiv>} {
  // expected-error @below {{keeps the rank: reduced axes have size 1 in its output}}
  ascend.vreduce <sum> dims = [1] ins(%a : memref<16x64xf32, #ub>) outs(%b : memref<16xf32, #ub>)
  return
}

// -----

#ub = #ascend.space<ub>

func.func @not_reduced(%a: memref<16x64xf32, #ub>, %b: memref<1x64xf32, #ub>) attributes {ascend.core = #ascend.core<aiv>} {
  // expected-error @below {{has size 1 along axis 0 of its output, which should be 16}}
  ascend.vreduce <sum> dims = [1] ins(%a : memref<16x64xf32, #ub>) outs(%b : memref<1x64xf32, #ub>)
  return
}

// -----

#ub = #ascend.space<ub>

func.func @axis_twice(%a: memref<16x64xf32, #ub>, %b: memref<16x1xf32, #ub>) attributes {ascend.core = #ascend.core<aiv>} {
  // expected-error @below {{has axes [1, 1]; they are between 0 and 1 and grow}}
  ascend.vreduce <sum> dims = [1, 1] ins(%a : memref<16x64xf32, #ub>) outs(%b : memref<16x1xf32, #ub>)
  return
}

// -----

#ub = #ascend.space<ub>

func.func @no_axis(%a: memref<16x64xf32, #ub>, %b: memref<16x64xf32, #ub>) attributes {ascend.core = #ascend.core<aiv>} {
  // expected-error @below {{reduces no axis; use ascend.copy}}
  ascend.vreduce <sum> dims = [] ins(%a : memref<16x64xf32, #ub>) outs(%b : memref<16x64xf32, #ub>)
  return
}

// -----

#ub = #ascend.space<ub>

func.func @pitch(%a: memref<16x63xf32, #ub>) attributes {ascend.core = #ascend.core<aiv>} {
  // expected-error @below {{needs rows of its output to start at multiples of 32 bytes, but axis 0 has a pitch of 252; allocate longer rows and take memref.subview of them}}
  ascend.vun <exp> ins(%a : memref<16x63xf32, #ub>) outs(%a : memref<16x63xf32, #ub>)
  return
}

// -----

#ub = #ascend.space<ub>

func.func @start(%a: memref<16x64xf32, strided<[64, 1], offset: 4>, #ub>) attributes {ascend.core = #ascend.core<aiv>} {
  // expected-error @below {{needs its output to start at a multiple of 32 bytes in ub}}
  ascend.vun <exp> ins(%a : memref<16x64xf32, strided<[64, 1], offset: 4>, #ub>) outs(%a : memref<16x64xf32, strided<[64, 1], offset: 4>, #ub>)
  return
}

// -----

#ub = #ascend.space<ub>

func.func @gaps(%a: memref<64xf32, strided<[2]>, #ub>) attributes {ascend.core = #ascend.core<aiv>} {
  // expected-error @below {{needs stride 1 along the last axis of its output}}
  ascend.vun <exp> ins(%a : memref<64xf32, strided<[2]>, #ub>) outs(%a : memref<64xf32, strided<[2]>, #ub>)
  return
}

// -----

#ub = #ascend.space<ub>

func.func @unknown_pitch(%a: memref<16x64xf32, strided<[?, 1]>, #ub>) attributes {ascend.core = #ascend.core<aiv>} {
  // expected-error @below {{needs its output in a buffer with rows of a static size: allocate the full tile and take memref.subview of it}}
  ascend.vun <exp> ins(%a : memref<16x64xf32, strided<[?, 1]>, #ub>) outs(%a : memref<16x64xf32, strided<[?, 1]>, #ub>)
  return
}

// -----

#ub = #ascend.space<ub>

func.func @in_place(%a: memref<16x16xf32, #ub>) attributes {ascend.core = #ascend.core<aiv>} {
  // expected-error @below {{reads its source after parts of the output are written, so the output is another buffer}}
  ascend.vtranspose permutation = [1, 0] ins(%a : memref<16x16xf32, #ub>) outs(%a : memref<16x16xf32, #ub>)
  return
}

// -----

#ub = #ascend.space<ub>

func.func @permutation(%a: memref<16x32xf32, #ub>, %b: memref<16x32xf32, #ub>) attributes {ascend.core = #ascend.core<aiv>} {
  // expected-error @below {{gives 'memref<16x32xf32, #ascend.space<ub>>' with axes [1, 0], not 'memref<16x32xf32, #ascend.space<ub>>'}}
  ascend.vtranspose permutation = [1, 0] ins(%a : memref<16x32xf32, #ub>) outs(%b : memref<16x32xf32, #ub>)
  return
}

// -----

#ub = #ascend.space<ub>

func.func @no_permutation(%a: memref<16x32xf32, #ub>, %b: memref<32x16xf32, #ub>) attributes {ascend.core = #ascend.core<aiv>} {
  // expected-error @below {{with axes [1, 1], not}}
  ascend.vtranspose permutation = [1, 1] ins(%a : memref<16x32xf32, #ub>) outs(%b : memref<32x16xf32, #ub>)
  return
}

// -----

#ub = #ascend.space<ub>

func.func @mask(%a: memref<64xf32, #ub>, %p: memref<64xi8, #ub>) attributes {ascend.core = #ascend.core<aiv>} {
  // expected-error @below {{takes i1 as element type of its output, got i8}}
  ascend.vcmp <gt> ins(%a, %a : memref<64xf32, #ub>, memref<64xf32, #ub>) outs(%p : memref<64xi8, #ub>)
  return
}

// -----

#ub = #ascend.space<ub>

func.func @ordered_integers(%a: memref<64xi32, #ub>, %p: memref<64xi1, #ub>) attributes {ascend.core = #ascend.core<aiv>} {
  // expected-error @below {{takes f32, f16 as element type of its left operand, got i32}}
  ascend.vcmp <gt> ins(%a, %a : memref<64xi32, #ub>, memref<64xi32, #ub>) outs(%p : memref<64xi1, #ub>)
  return
}

// -----

#ub = #ascend.space<ub>

func.func @strides(%a: memref<16x64xi32, #ub>, %i: index) attributes {ascend.core = #ascend.core<aiv>} {
  // expected-error @below {{has 1 strides for 'memref<16x64xi32, #ascend.space<ub>>'; one per axis}}
  ascend.varange offset %i strides[%i] outs(%a : memref<16x64xi32, #ub>)
  return
}

// -----

#ub = #ascend.space<ub>

func.func @rows(%a: memref<8x64xf32, #ub>, %i: memref<16x64xi32, #ub>, %b: memref<16x64xf32, #ub>) attributes {ascend.core = #ascend.core<aiv>} {
  // expected-error @below {{takes rows of its source; but for the last axis shapes agree}}
  ascend.vgather ins(%a, %i : memref<8x64xf32, #ub>, memref<16x64xi32, #ub>) outs(%b : memref<16x64xf32, #ub>)
  return
}

// -----

#ub = #ascend.space<ub>

// A column without gaps counts as a row, wherever the axis of size 1 stands.
func.func @column(%a: memref<16x64xf32, #ub>, %r: memref<16x1xf32, #ub>, %s: memref<4x16x1xf32, strided<[16, 1, 1]>, #ub>) attributes {ascend.core = #ascend.core<aiv>} {
  ascend.vreduce <max> dims = [1] ins(%a : memref<16x64xf32, #ub>) outs(%r : memref<16x1xf32, #ub>)
  ascend.vun <exp> ins(%s : memref<4x16x1xf32, strided<[16, 1, 1]>, #ub>) outs(%s : memref<4x16x1xf32, strided<[16, 1, 1]>, #ub>)
  return
}
