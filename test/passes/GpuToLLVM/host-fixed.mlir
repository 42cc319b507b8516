// RUN: cell-opt --gpu-host-to-llvm %s | FileCheck %s

// A program that reads nothing back launches the same kernels every time.

// CHECK: module attributes {{.*}}cell.gpu_fixed
module attributes {gpu.container_module} {
  func.func @main(%x: memref<4xf32>) {
    %c1 = arith.constant 1 : index
    gpu.launch_func @kernels::@k blocks in (%c1, %c1, %c1) threads in (%c1, %c1, %c1) args(%x : memref<4xf32>)
    return
  }
  gpu.module @kernels {
    gpu.func @k(%x: memref<4xf32>) kernel { gpu.return }
  }
}
