// RUN: cell-opt --expand-double-math %s | FileCheck %s

// Only kernels, only f64, and only what expand-math leaves.

// CHECK-LABEL: func.func @host
func.func @host(%x: f64) -> f64 {
  // CHECK: math.sin
  %y = math.sin %x : f64
  return %y : f64
}
gpu.module @kernels {
  // CHECK-LABEL: gpu.func @k
  gpu.func @k(%x: memref<2xf64>, %s: f32) kernel {
    %c0 = arith.constant 0 : index
    %v = vector.load %x[%c0] : memref<2xf64>, vector<2xf64>
    // The arcs of large numbers are behind a branch.
    // CHECK: vector.reduction <or>
    // CHECK: scf.if
    // CHECK: arith.mului_extended
    %a = math.sin %v : vector<2xf64>
    // CHECK: math.exp %{{.*}} : vector<2xf64>
    %b = math.exp %a : vector<2xf64>
    // CHECK-NOT: math.powf
    %c = math.powf %a, %b : vector<2xf64>
    // CHECK: math.sin %{{.*}} : f32
    %t = math.sin %s : f32
    vector.store %c, %x[%c0] : memref<2xf64>, vector<2xf64>
    gpu.return
  }
}
