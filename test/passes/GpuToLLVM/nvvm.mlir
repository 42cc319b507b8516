// RUN: cell-opt --gpu-to-nvvm="chip=sm_90" %s | FileCheck %s

// Kernels on bare pointers with 32-bit indices; an index argument has 64 bits and is clamped, a bool is a byte; shared memory is a global.

// CHECK: gpu.module @kernels [#nvvm.target<O = 3, chip = "sm_90", features = "+ptx78">]
gpu.module @kernels {
  // CHECK: llvm.mlir.global internal @shared.k.0() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<128 x f32>
  // CHECK-LABEL: llvm.func @k(
  // CHECK-SAME: %[[X:.*]]: !llvm.ptr {llvm.align = 16 : i64, llvm.noalias, llvm.readonly}
  // CHECK-SAME: %[[OFF:.*]]: !llvm.ptr {llvm.align = 8 : i64}
  // CHECK-SAME: %[[B:.*]]: i8, %[[N:.*]]: i64
  // CHECK-SAME: gpu.kernel, nvvm.kernel, nvvm.reqntid = array<i32: 128, 1, 1>
  gpu.func @k(%x: memref<1024xf32> {llvm.noalias, llvm.readonly}, %off: memref<16xf32, strided<[1], offset: 2>>, %b: i1, %n: index)
      workgroup(%s : memref<128xf32, #gpu.address_space<workgroup>>) kernel attributes {known_block_size = array<i32: 128, 1, 1>} {
    // CHECK-DAG: %[[LOW:.*]] = llvm.intr.smax(%[[N]], %{{.*}}) : (i64, i64) -> i64
    // CHECK-DAG: %[[NEAR:.*]] = llvm.intr.smin(%[[LOW]], %{{.*}}) : (i64, i64) -> i64
    // CHECK-DAG: llvm.trunc %[[NEAR]] : i64 to i32
    // CHECK-DAG: llvm.trunc %[[B]] : i8 to i1
    // CHECK: nvvm.read.ptx.sreg.tid.x range <i32, 0, 128> : i32
    %id = gpu.thread_id x
    // CHECK-NOT: nvvm.read.ptx.sreg.ntid
    %size = gpu.block_dim x
    %i = arith.addi %id, %size : index
    // CHECK: llvm.load %{{.*}} {alignment = 16 : i64} : !llvm.ptr -> vector<4xf32>
    %v = vector.load %x[%i] : memref<1024xf32>, vector<4xf32>
    %f = vector.extract %v[0] : f32 from vector<4xf32>
    // CHECK: llvm.store %{{.*}}, %{{.*}} : f32, !llvm.ptr<3>
    memref.store %f, %s[%n] : memref<128xf32, #gpu.address_space<workgroup>>
    // CHECK: nvvm.barrier0
    gpu.barrier
    scf.if %b {
      // CHECK: llvm.atomicrmw fadd %{{.*}}, %{{.*}} syncscope("device") monotonic : !llvm.ptr, f32
      %old = memref.atomic_rmw addf %f, %off[%id] : (f32, memref<16xf32, strided<[1], offset: 2>>) -> f32
    }
    gpu.return
  }
}
