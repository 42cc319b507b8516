// RUN: cell-opt --gpu-to-nvvm %s | FileCheck %s

gpu.module @kernels {
  // A buffer of 2^30 elements wants 64 bits.
  // CHECK-LABEL: llvm.func @wide(
  // CHECK: llvm.load
  // CHECK-SAME: -> i64
  // CHECK-NOT: llvm.intr.smax
  // CHECK: llvm.getelementptr inbounds %{{.*}}[%{{.*}}] : (!llvm.ptr, i64)
  gpu.func @wide(%x: memref<1073741824xf32>, %i: memref<i64>) kernel {
    %n = memref.load %i[] : memref<i64>
    %k = arith.index_cast %n : i64 to index
    %v = memref.load %x[%k] : memref<1073741824xf32>
    memref.store %v, %x[%k] : memref<1073741824xf32>
    gpu.return
  }
  // Elsewhere an index from 64-bit data must not come round into the buffer.
  // CHECK-LABEL: llvm.func @narrow(
  // CHECK: llvm.intr.smax
  // CHECK: llvm.intr.smin
  // CHECK: llvm.trunc %{{.*}} : i64 to i32
  // CHECK: llvm.getelementptr inbounds %{{.*}}[%{{.*}}] : (!llvm.ptr, i32)
  gpu.func @narrow(%x: memref<1024xf32>, %i: memref<i64>) kernel {
    %n = memref.load %i[] : memref<i64>
    %k = arith.index_cast %n : i64 to index
    %v = memref.load %x[%k] : memref<1024xf32>
    memref.store %v, %x[%k] : memref<1024xf32>
    gpu.return
  }
}
