// RUN: cell-opt %s -split-input-file -verify-diagnostics

func.func @same_pipe() attributes {ascend.core = #ascend.core<aiv>} {
  // expected-error @below {{is from pipe v to itself; to order the work of one pipe use ascend.barrier <v>}}
  ascend.set_flag <v, v> [0]
  return
}

// -----

func.func @flag_number() attributes {ascend.core = #ascend.core<aiv>} {
  // expected-error @below {{has flag 8, but a pair of pipes has the flags 0 to 7}}
  ascend.wait_flag <mte2, v> [8]
  return
}

// -----

func.func @fewer_flags() attributes {ascend.core = #ascend.core<aiv>, ascend.target = #ascend.target<"Ascend910B3", {event_ids = 4 : i64}>} {
  // expected-error @below {{has flag 4, but a pair of pipes has the flags 0 to 3}}
  ascend.wait_flag <mte2, v> [4]
  return
}

// -----

func.func @all_pipes() attributes {ascend.core = #ascend.core<aiv>} {
  // expected-error @below {{is between two pipes; for all of them use ascend.barrier <all>}}
  ascend.set_flag <all, v> [0]
  return
}

// -----

func.func @foreign_pipe() attributes {ascend.core = #ascend.core<aiv>} {
  // expected-error @below {{names pipe m, which a core of kind aiv does not have}}
  ascend.set_flag <m, fix> [0]
  return
}

// -----

func.func @no_pipes() attributes {ascend.core = #ascend.core<aicpu>} {
  // expected-error @below {{names pipe all, which a core of kind aicpu does not have}}
  ascend.barrier <all>
  return
}

// -----

func.func @no_slot() attributes {ascend.core = #ascend.core<aiv>} {
  // expected-error @below {{has 2 flags, so it needs a slot that chooses}}
  ascend.set_flag <mte2, v> [0, 1]
  return
}

// -----

func.func @needless_slot(%i: index) attributes {ascend.core = #ascend.core<aiv>} {
  // expected-error @below {{has 1 offset and a slot; leave the slot out}}
  %a = ascend.address [0] slot %i : memref<8xf32, #ascend.space<ub>>
  return
}

// -----

func.func @unaligned() attributes {ascend.core = #ascend.core<aiv>} {
  // expected-error @below {{has offset 4, but buffers in ub start at multiples of 32 bytes}}
  %a = ascend.address [4] : memref<16xf16, #ascend.space<ub>>
  return
}

// -----

func.func @behind_the_end() attributes {ascend.core = #ascend.core<aiv>} {
  // expected-error @below {{ends at byte 262144 of ub, which has 196608 bytes; use smaller tiles}}
  %a = ascend.address [0] : memref<131072xf16, #ascend.space<ub>>
  return
}

// -----

func.func @smaller_chip() attributes {ascend.core = #ascend.core<aic>, ascend.target = #ascend.target<"Ascend910B3", {l0c_bytes = 65536 : i64}>} {
  // expected-error @below {{ends at byte 131072 of l0c, which has 65536 bytes; use smaller tiles}}
  %a = ascend.address [65536] : memref<8x8x16x16xf32, #ascend.space<l0c>>
  return
}

// -----

func.func @address_in_global_memory() attributes {ascend.core = #ascend.core<aiv>} {
  // expected-error @below {{gives a buffer in a space of a core (ub, l1, l0a, l0b, l0c or bt)}}
  %a = ascend.address [0] : memref<16xf16, #ascend.space<gm>>
  return
}

// -----

func.func @view() attributes {ascend.core = #ascend.core<aiv>} {
  // expected-error @below {{gives a whole buffer: static sizes and no layout}}
  %a = ascend.address [0] : memref<16x8xf32, strided<[64, 1]>, #ascend.space<ub>>
  return
}

// -----

func.func @scratch(%s: f32, %x: memref<64xf32, #ascend.space<ub>>) attributes {ascend.core = #ascend.core<aiv>} {
  // expected-error @below {{needs room for 32 bytes of scratch memory in ub, which has 196608, but 'ascend.scratch' is 196608}}
  ascend.vbin_scalar <sub> ins(%x, %s : memref<64xf32, #ascend.space<ub>>, f32) outs(%x : memref<64xf32, #ascend.space<ub>>) {ascend.scratch = 196608 : i64}
  return
}

// -----

// The shapes come first: those of a wrong op say nothing about its scratch memory.
func.func @scratch_of_no_axes(%x: memref<64xf32, #ascend.space<ub>>, %y: memref<1xf32, #ascend.space<ub>>) attributes {ascend.core = #ascend.core<aiv>} {
  // expected-error @below {{reduces no axis; use ascend.copy}}
  ascend.vreduce <sum> dims = [] ins(%x : memref<64xf32, #ascend.space<ub>>) outs(%y : memref<1xf32, #ascend.space<ub>>) {ascend.scratch = 0 : i64}
  return
}

// -----

func.func @scratch_of_wrong_axis(%x: memref<64xf32, #ascend.space<ub>>, %y: memref<1xf32, #ascend.space<ub>>) attributes {ascend.core = #ascend.core<aiv>} {
  // expected-error @below {{has axes [5]; they are between 0 and 0 and grow}}
  ascend.vreduce <sum> dims = [5] ins(%x : memref<64xf32, #ascend.space<ub>>) outs(%y : memref<1xf32, #ascend.space<ub>>) {ascend.scratch = 0 : i64}
  return
}

// -----

func.func @far_behind_the_end() attributes {ascend.core = #ascend.core<aiv>} {
  // expected-error @below {{ends at byte 9223372036854775808 of ub, which has 196608 bytes; use smaller tiles}}
  %a = ascend.address [9223372036854775776] : memref<16xf16, #ascend.space<ub>>
  return
}

// -----

func.func @copies() attributes {ascend.core = #ascend.core<aiv>} {
  // expected-error @below {{'ascend.multi_buffer' is an i64 from 1 to 16, on memref.alloc}}
  %a = memref.alloc() {ascend.multi_buffer = 0 : i64} : memref<16xf16, #ascend.space<ub>>
  return
}
