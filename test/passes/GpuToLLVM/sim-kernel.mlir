// RUN: cell-opt --gpu-to-sim %s | FileCheck %s
// RUN: cell-opt --gpu-to-sim=checked %s | FileCheck %s --check-prefix=CHECKED
// A kernel becomes a function of its arguments and the thread's record, that says of the arguments what is said on the device; an entry that takes the arguments' addresses;
// and a constant that describes it. Of the simulator's functions LLVM knows what it knows of the device's operations.

// CHECK-LABEL: gpu.module @kernels
// CHECK-NOT: cg_sim_access
// CHECK-LABEL: llvm.func internal @cg_sim_body.twice(
// CHECK-SAME: %{{.*}}: !llvm.ptr {llvm.align = 16 : i64, llvm.noalias}, %{{.*}}: !llvm.ptr {llvm.align = 8 : i64, llvm.readonly}, %{{.*}}: i1, %[[THREAD:[^:]*]]: !llvm.ptr) attributes {dso_local, no_inline}
// CHECK: llvm.getelementptr %[[THREAD]][48]
// CHECK: llvm.store %{{.*}}, %{{.*}} {alignment = 4 : i64} : f32
// CHECK: llvm.mlir.global external constant @cg_sim.twice()
// CHECK: %[[BLOCK:.*]] = llvm.mlir.constant(128 : i32)
// CHECK: %[[NO:.*]] = llvm.mlir.constant(0 : i32)
// CHECK: llvm.insertvalue %[[NO]], %{{.*}}[1]
// CHECK: llvm.insertvalue %[[BLOCK]], %{{.*}}[2]
// CHECK-LABEL: llvm.func @twice(
// CHECK-SAME: %[[ARGS:.*]]: !llvm.ptr, %[[OWN:.*]]: !llvm.ptr) attributes {gpu.kernel}
// CHECK: llvm.load %[[ARGS]] : !llvm.ptr -> !llvm.ptr
// CHECK: %[[FLAG:.*]] = llvm.icmp "ne" %{{.*}} : i8
// CHECK: llvm.call @cg_sim_body.twice(%{{.*}}, %{{.*}}, %[[FLAG]], %[[OWN]])

// CHECKED: llvm.func @cg_sim_access(!llvm.ptr, !llvm.ptr, !llvm.ptr {llvm.nocapture, llvm.readnone}, i32, i32, i32, i32) attributes {memory_effects = #llvm.memory_effects<other = none, argMem = readwrite, inaccessibleMem = readwrite, errnoMem = none, targetMem0 = none, targetMem1 = none>, no_unwind}
// CHECKED: llvm.mlir.global private constant @cg_sim_place.1("{{.*}}sim-kernel.mlir:{{[0-9]+}}, memref.load of memref<128xf32>\00")
// CHECKED-LABEL: llvm.func internal @cg_sim_body.twice
// CHECKED-COUNT-2: llvm.call @cg_sim_access
gpu.module @kernels {
  gpu.func @twice(%a: memref<128xf32> {llvm.noalias}, %b: memref<8xf32, strided<[1], offset: 2>> {llvm.readonly}, %flag: i1) kernel attributes {known_block_size = array<i32: 128, 1, 1>} {
    %t = gpu.lane_id
    %v = memref.load %a[%t] : memref<128xf32>
    %w = arith.addf %v, %v : f32
    memref.store %w, %a[%t] : memref<128xf32>
    gpu.return
  }
}
