// RUN: cell-opt --gpu-to-sim %s | FileCheck %s
// Shared memory is at fixed places of the block's, none of them aligned to more than 16 bytes; bool takes a byte there, in vectors too. What waits makes a kernel cooperative. A barrier may touch all memory, a shuffle none.

// CHECK-DAG: llvm.func @cg_sim_barrier(!llvm.ptr, i32, !llvm.ptr) attributes {convergent, no_unwind}
// CHECK-DAG: llvm.func @cg_sim_shuffle({{.*}}) -> !llvm.struct<(i64, i64)> attributes {convergent, memory_effects = #llvm.memory_effects<other = none,
// CHECK-LABEL: llvm.func internal @cg_sim_body.exchange
// CHECK: llvm.getelementptr %{{.*}}[56] : (!llvm.ptr) -> !llvm.ptr, i8
// CHECK: llvm.getelementptr %{{.*}}[16] : (!llvm.ptr) -> !llvm.ptr, i8
// CHECK: llvm.getelementptr %{{.*}}[32] : (!llvm.ptr) -> !llvm.ptr, i8
// CHECK: llvm.zext %{{.*}} : vector<4xi1> to vector<4xi8>
// CHECK: llvm.call @cg_sim_barrier
// CHECK: llvm.mlir.global external constant @cg_sim.exchange()
// CHECK: %[[BYTES:.*]] = llvm.mlir.constant(48 : i64)
// CHECK: %[[YES:.*]] = llvm.mlir.constant(1 : i32)
// CHECK: llvm.insertvalue %[[YES]], %{{.*}}[1]
// CHECK: llvm.insertvalue %[[BYTES]], %{{.*}}[6]
gpu.module @kernels {
  gpu.func @exchange(%flag: i1) workgroup(%x: memref<4xf32, #gpu.address_space<workgroup>>, %y: memref<8xi1, #gpu.address_space<workgroup>>) kernel {
    %c0 = arith.constant 0 : index
    %zero = arith.constant 0.0 : f32
    %v = vector.broadcast %flag : i1 to vector<4xi1>
    vector.store %v, %y[%c0] : memref<8xi1, #gpu.address_space<workgroup>>, vector<4xi1>
    gpu.barrier
    %one = arith.constant 1 : i32
    %all = arith.constant 32 : i32
    %other, %valid = gpu.shuffle xor %zero, %one, %all : f32
    memref.store %other, %x[%c0] : memref<4xf32, #gpu.address_space<workgroup>>
    gpu.return
  }
}
