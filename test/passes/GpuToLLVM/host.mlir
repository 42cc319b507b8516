// RUN: cell-opt --gpu-host-to-llvm %s | FileCheck %s

// A launch stores its arguments and sizes into the function's slots and names the kernel by its number. A read-back waits; a bool is a byte.

module attributes {gpu.container_module} {
  memref.global "private" constant @table : memref<4xf32> = dense<[1.0, 2.0, 3.0, 4.0]>

  // CHECK: llvm.mlir.global external @cg_gpu_program() {{.*}} : !llvm.struct<(ptr, i64, ptr, ptr, ptr, ptr, i64, i64, ptr)>
  // CHECK: llvm.mlir.global private constant @table
  // CHECK-NOT: cell.gpu_fixed
  // CHECK-LABEL: llvm.func internal @cg_body(
  // CHECK-SAME: %[[ARGS:.*]]: !llvm.ptr, %[[ARENA:.*]]: !llvm.ptr)
  func.func @main(%x: memref<1024xf32>, %flag: memref<i1>, %y: memref<1024xf32>, %arena: memref<4096xi8> {cellrt.arena}) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c128 = arith.constant 128 : index
    // CHECK: %[[VALUES:.*]] = llvm.alloca {{.*}} x i64
    // CHECK: %[[POINTERS:.*]] = llvm.alloca {{.*}} x !llvm.ptr
    // CHECK: %[[SIZES:.*]] = llvm.alloca {{.*}} x i32
    // CHECK: %[[AT:.*]] = llvm.getelementptr inbounds %[[ARGS]][1]
    // CHECK: %[[FLAG:.*]] = llvm.load %[[AT]]
    // CHECK: llvm.call @cg_gpu_read(%[[VALUES]], %[[FLAG]], %{{.*}})
    // CHECK: %[[BYTE:.*]] = llvm.load %[[VALUES]] : !llvm.ptr -> i8
    // CHECK: %[[BOOL:.*]] = llvm.icmp "ne" %[[BYTE]]
    %b = memref.load %flag[] : memref<i1>
    // CHECK: %[[TABLE:.*]] = llvm.call @cg_gpu_constant(%{{.*}}, %{{.*}}, %{{.*}}) : (!llvm.ptr, !llvm.ptr, i64) -> !llvm.ptr
    %t = memref.get_global @table : memref<4xf32>
    %tmp = memref.view %arena[%c0][] : memref<4096xi8> to memref<1024xf32>
    // CHECK: llvm.call @cg_gpu_copy(
    memref.copy %x, %tmp : memref<1024xf32> to memref<1024xf32>
    scf.if %b {
      // CHECK: llvm.zext %[[BOOL]] : i1 to i8
      // CHECK: %[[NUMBER:.*]] = llvm.mlir.constant(1 : i64)
      // CHECK: llvm.call @cg_gpu_launch(%{{.*}}, %[[NUMBER]], %[[SIZES]], %[[POINTERS]])
      gpu.launch_func @kernels::@second blocks in (%c1, %c1, %c1) threads in (%c128, %c1, %c1) args(%t : memref<4xf32>, %b : i1, %c1 : index, %y : memref<1024xf32>)
    }
    return
  }
  gpu.module @kernels {
    gpu.func @first() kernel { gpu.return }
    gpu.func @second(%t: memref<4xf32>, %b: i1, %n: index, %y: memref<1024xf32>) kernel { gpu.return }
  }
  // The entry goes by way of cg_run, since a launch may fail.
  // CHECK: llvm.func @cg_entry(
  // CHECK: llvm.call @cg_run(
  // CHECK: llvm.func @cg_failure(
}
