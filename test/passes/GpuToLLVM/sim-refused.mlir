// RUN: cell-opt --gpu-to-sim --split-input-file --verify-diagnostics %s

gpu.module @kernels {
  gpu.func @f(%a: memref<4xf32>) kernel {
    // expected-error @+1 {{stage gpu-to-sim: 'gpu.printf' cannot be simulated}}
    gpu.printf "x"
    gpu.return
  }
}

// -----

gpu.module @kernels {
  // expected-error @+1 {{stage gpu-to-sim: argument 0 of the kernel has the type 'vector<4xf32>'; kernels take memrefs of static shape and scalars}}
  gpu.func @f(%a: vector<4xf32>) kernel {
    gpu.return
  }
}
