// RUN: cell-opt --gpu-to-sim %s | FileCheck %s
// RUN: cell-opt --gpu-to-sim=checked %s | FileCheck %s --check-prefix=CHECKED
// A kernel becomes a function of its arguments' addresses and the thread's record, and a constant that describes it.

// CHECK-LABEL: gpu.module @kernels
// CHECK-NOT: cg_sim_access
// CHECK-LABEL: llvm.func @twice(
// CHECK-SAME: %[[ARGS:.*]]: !llvm.ptr, %[[THREAD:.*]]: !llvm.ptr) attributes {gpu.kernel}
// CHECK: llvm.load %[[ARGS]] : !llvm.ptr -> !llvm.ptr
// CHECK: llvm.getelementptr %[[THREAD]][48]
// CHECK: llvm.store %{{.*}}, %{{.*}} {alignment = 4 : i64} : f32
// CHECK: llvm.mlir.global external constant @cg_sim.twice()
// CHECK: %[[BLOCK:.*]] = llvm.mlir.constant(128 : i32)
// CHECK: %[[NO:.*]] = llvm.mlir.constant(0 : i32)
// CHECK: llvm.insertvalue %[[NO]], %{{.*}}[1]
// CHECK: llvm.insertvalue %[[BLOCK]], %{{.*}}[2]

// CHECKED: llvm.mlir.global private constant @cg_sim_place.1("{{.*}}sim-kernel.mlir:{{[0-9]+}}, memref.load of memref<128xf32>\00")
// CHECKED-LABEL: llvm.func @twice
// CHECKED-COUNT-2: llvm.call @cg_sim_access
gpu.module @kernels {
  gpu.func @twice(%a: memref<128xf32>) kernel attributes {known_block_size = array<i32: 128, 1, 1>} {
    %t = gpu.lane_id
    %v = memref.load %a[%t] : memref<128xf32>
    %w = arith.addf %v, %v : f32
    memref.store %w, %a[%t] : memref<128xf32>
    gpu.return
  }
}
