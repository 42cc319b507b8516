// RUN: cell-opt %s -split-input-file -verify-diagnostics

// expected-error @below {{there is no chip 'Ascend911'; known are Ascend910B1, Ascend910B2, Ascend910B3, Ascend910B4, whose numbers a dictionary may replace}}
#target = #ascend.target<"Ascend911">

// -----

// expected-error @below {{'ub_byte' is not a number of a target; did you mean 'ub_bytes'?}}
#target = #ascend.target<"Ascend910B3", {ub_byte = 1024 : i64}>

// -----

// expected-error @below {{'ub_bytes' must be an i64 of at least 1}}
#target = #ascend.target<"Ascend910B3", {ub_bytes = 0 : i64}>

// -----

// expected-error @below {{the alignment of ub must be a power of two}}
#target = #ascend.target<"Ascend910B3", {ub_align = 24 : i64}>

// -----

// expected-error @below {{'ascend.target' is a target, such as #ascend.target<"Ascend910B3">}}
module attributes {ascend.target = "Ascend910B3"} {}

// -----

// expected-error @below {{'ascend.core' is #ascend.core<aic>, <aiv> or <aicpu>, on a function}}
module attributes {ascend.core = #ascend.core<aiv>} {}

// -----

module attributes {ascend.target = #ascend.target<"Ascend910B3">} {
  // expected-error @below {{asks for 41 cores, but Ascend910B3 has 40 of kind aiv; loop over the rest inside the kernel}}
  func.func @many() attributes {ascend.core = #ascend.core<aiv>, ascend.block_dim = 41 : i64} {
    return
  }
}

// -----

module attributes {ascend.target = #ascend.target<"Ascend910B1">} {
  func.func @enough() attributes {ascend.core = #ascend.core<aiv>, ascend.block_dim = 41 : i64} {
    return
  }
}

// -----

// expected-error @below {{has 'ascend.block_dim', but no 'ascend.core'}}
func.func @coreless() attributes {ascend.block_dim = 4 : i64} {
  return
}
