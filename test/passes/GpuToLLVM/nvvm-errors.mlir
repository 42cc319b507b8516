// RUN: cell-opt --gpu-to-nvvm --split-input-file --verify-diagnostics %s

gpu.module @kernels {
  gpu.func @f(%x: memref<f64>) kernel {
    %v = memref.load %x[] : memref<f64>
    // expected-error@+1 {{'math.cbrt' of 'f64' has no lowering for the GPU}}
    %s = math.cbrt %v : f64
    memref.store %s, %x[] : memref<f64>
    gpu.return
  }
}

// -----

gpu.module @kernels {
  gpu.func @f(%x: memref<4xf32>) kernel {
    // expected-error@+1 {{'memref.alloca' of 'memref<4xf32>' has no lowering for the GPU}}
    %a = memref.alloca() : memref<4xf32>
    gpu.return
  }
}

// -----

gpu.module @kernels {
  gpu.func @f(%x: memref<4xf32>, %i: index) kernel {
    %v = arith.constant 1.0 : f32
    // expected-error@+1 {{an atomic mulf of 'f32' is not supported on this target}}
    %s = memref.atomic_rmw mulf %v, %x[%i] : (f32, memref<4xf32>) -> f32
    gpu.return
  }
}

// -----

gpu.module @kernels {
  // expected-error@+1 {{functions that kernels call are not supported}}
  gpu.func @f(%x: memref<4xf32>) { gpu.return }
}
