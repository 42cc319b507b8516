// A running sum along each row: a thread per row. One along a single line depends on itself: one thread. A loop with a kernel in it stays on the host.
// RUN: cell-opt %s --split-input-file --linalg-to-gpu-kernels | FileCheck %s

// CHECK-LABEL: func.func @lines(
// CHECK-NOT: scf.for
// CHECK: gpu.launch_func @kernels::@loop_0
// CHECK: gpu.func @loop_0
// CHECK-SAME: known_block_size = array<i32: 64, 1, 1>
// CHECK-COUNT-1: scf.for
// CHECK-NOT: scf.for
func.func @lines(%x: memref<64x128xf32>, %y: memref<64x128xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %c128 = arith.constant 128 : index
  %zero = arith.constant 0.0 : f32
  %r = scf.for %i = %c0 to %c64 step %c1 iter_args(%a = %y) -> (memref<64x128xf32>) {
    %s:2 = scf.for %j = %c0 to %c128 step %c1 iter_args(%b = %a, %sum = %zero) -> (memref<64x128xf32>, f32) {
      %v = memref.load %x[%i, %j] : memref<64x128xf32>
      %next = arith.addf %sum, %v : f32
      memref.store %next, %b[%i, %j] : memref<64x128xf32>
      scf.yield %b, %next : memref<64x128xf32>, f32
    }
    scf.yield %s#0 : memref<64x128xf32>
  }
  return
}

// -----

// CHECK-LABEL: func.func @line(
// CHECK: gpu.func @loop_0
// CHECK-SAME: known_block_size = array<i32: 1, 1, 1>
// CHECK: scf.for
func.func @line(%y: memref<128xf32>) {
  %c1 = arith.constant 1 : index
  %c128 = arith.constant 128 : index
  scf.for %j = %c1 to %c128 step %c1 {
    %before = arith.subi %j, %c1 : index
    %v = memref.load %y[%before] : memref<128xf32>
    %w = memref.load %y[%j] : memref<128xf32>
    %s = arith.addf %v, %w : f32
    memref.store %s, %y[%j] : memref<128xf32>
  }
  return
}

// -----

// CHECK-LABEL: func.func @mixed(
// CHECK: scf.for
// CHECK: gpu.launch_func @kernels::@fill_0
// CHECK: gpu.launch_func @kernels::@store_0
func.func @mixed(%y: memref<8192xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %zero = arith.constant 0.0 : f32
  scf.for %j = %c0 to %c8 step %c1 {
    linalg.fill ins(%zero : f32) outs(%y : memref<8192xf32>)
    memref.store %zero, %y[%j] : memref<8192xf32>
  }
  return
}
