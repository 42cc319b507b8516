// RUN: cell-opt %s --ascend-verify-kernels --split-input-file --verify-diagnostics
// Flags that do not match on all paths.

#gm = #ascend.space<gm>
#ub = #ascend.space<ub>
gpu.module @kernels {
  func.func @never() attributes {gpu.kernel, ascend.core = #ascend.core<aiv>} {
    // expected-error @+1 {{flag <mte2, v> 3 is not set when it is waited for here: the pipe would wait for ever}}
    ascend.wait_flag <mte2, v> [3]
    return
  }
}

// -----

#gm = #ascend.space<gm>
#ub = #ascend.space<ub>
gpu.module @kernels {
  // expected-error @+1 {{flag <mte2, v> 0 is still set at the end of the kernel}}
  func.func @left() attributes {gpu.kernel, ascend.core = #ascend.core<aiv>} {
    ascend.set_flag <mte2, v> [0]
    return
  }
}

// -----

#gm = #ascend.space<gm>
#ub = #ascend.space<ub>
gpu.module @kernels {
  func.func @twice() attributes {gpu.kernel, ascend.core = #ascend.core<aiv>} {
    ascend.set_flag <mte2, v> [0]
    // expected-error @+1 {{flag <mte2, v> 0 is set a second time before it is waited for}}
    ascend.set_flag <mte2, v> [0]
    ascend.wait_flag <mte2, v> [0]
    return
  }
}

// -----

#gm = #ascend.space<gm>
#ub = #ascend.space<ub>
gpu.module @kernels {
  func.func @branch(%yes: i1) attributes {gpu.kernel, ascend.core = #ascend.core<aiv>} {
    scf.if %yes {
      ascend.set_flag <mte2, v> [0]
    }
    // expected-error @+1 {{flag <mte2, v> 0 is not set on some paths when it is waited for here}}
    ascend.wait_flag <mte2, v> [0]
    return
  }
}

// -----

// Each step waits for the one before; nothing is set for the first.
#gm = #ascend.space<gm>
#ub = #ascend.space<ub>
gpu.module @kernels {
  // expected-error @+1 {{flag <v, mte2> 0 is still set on some paths at the end of the kernel}}
  func.func @first_step(%n: index) attributes {gpu.kernel, ascend.core = #ascend.core<aiv>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    scf.for %i = %c0 to %n step %c1 {
      // expected-error @+1 {{flag <v, mte2> 0 is not set on some paths when it is waited for here}}
      ascend.wait_flag <v, mte2> [0]
      // expected-error @+1 {{is set again while the wait for the last time may not be over: a flag is up or down, it does not count}}
      ascend.set_flag <v, mte2> [0]
    }
    return
  }
}

// -----

// Two copies, but a flag is up for one of them only.
#gm = #ascend.space<gm>
#ub = #ascend.space<ub>
gpu.module @kernels {
  // expected-error @+1 {{flag <v, mte2> 1 is still set on some paths at the end of the kernel}}
  func.func @one_copy(%n: index) attributes {gpu.kernel, ascend.core = #ascend.core<aiv>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    ascend.set_flag <v, mte2> [0]
    scf.for %i = %c0 to %n step %c1 {
      // expected-error @+1 {{is not set on some paths when it is waited for here}}
      ascend.wait_flag <v, mte2> [0, 1] slot %i
      // expected-error @+1 {{is set again while the wait for the last time may not be over: a flag is up or down, it does not count}}
      ascend.set_flag <v, mte2> [0, 1] slot %i
    }
    // expected-error @+1 {{is not set on some paths when it is waited for here}}
    ascend.wait_flag <v, mte2> [0]
    return
  }
}

// -----

#gm = #ascend.space<gm>
#ub = #ascend.space<ub>
gpu.module @kernels {
  func.func @mixed(%n: index) attributes {gpu.kernel, ascend.core = #ascend.core<aiv>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    scf.for %i = %c0 to %n step %c1 {
      ascend.set_flag <v, mte2> [0, 1] slot %i
      // expected-error @+1 {{uses a flag that turns with another slot in the same loop: give it a number of its own}}
      ascend.wait_flag <v, mte2> [0]
    }
    return
  }
}
