// Elements that the host would read only for addresses of kernels are loaded by the kernels.
// RUN: cell-opt %s --split-input-file --linalg-to-gpu-kernels | FileCheck %s

// CHECK-LABEL: func.func @start(
// CHECK-SAME: %[[X:.*]]: memref<8x16xf32>, %[[I:.*]]: memref<i64>, %[[Y:.*]]: memref<16xf32>
// CHECK-NOT: memref.load
// CHECK: gpu.launch_func @kernels::@copy_0 {{.*}} args(%[[Y]] : memref<16xf32>, %[[I]] : memref<i64>, %[[X]] : memref<8x16xf32>)
// CHECK: gpu.func @copy_0(%{{.*}}: memref<16xf32> {llvm.noalias}, %[[KI:.*]]: memref<i64> {llvm.noalias, llvm.readonly}, %[[KX:.*]]: memref<8x16xf32> {llvm.noalias, llvm.readonly})
// CHECK: %[[N:.*]] = memref.load %[[KI]][] : memref<i64>
// CHECK: %[[AT:.*]] = arith.index_cast %[[N]] : i64 to index
// CHECK: memref.subview %[[KX]][%[[AT]], 0] [1, 16] [1, 1]
func.func @start(%x: memref<8x16xf32>, %i: memref<i64>, %y: memref<16xf32>) {
  %n = memref.load %i[] : memref<i64>
  %at = arith.index_cast %n : i64 to index
  %row = memref.subview %x[%at, 0] [1, 16] [1, 1] : memref<8x16xf32> to memref<16xf32, strided<[1], offset: ?>>
  linalg.copy ins(%row : memref<16xf32, strided<[1], offset: ?>>) outs(%y : memref<16xf32>)
  return
}

// -----

// In a loop as well: the counter is passed.
// CHECK-LABEL: func.func @rows(
// CHECK: scf.for %[[K:.*]] =
// CHECK-NOT: memref.load
// CHECK: gpu.launch_func {{.*}}%[[K]] : index
func.func @rows(%x: memref<8x16xf32>, %i: memref<4xi64>, %y: memref<16xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  scf.for %k = %c0 to %c4 step %c1 {
    %n = memref.load %i[%k] : memref<4xi64>
    %at = arith.index_cast %n : i64 to index
    %row = memref.subview %x[%at, 0] [1, 16] [1, 1] : memref<8x16xf32> to memref<16xf32, strided<[1], offset: ?>>
    linalg.copy ins(%y : memref<16xf32>) outs(%row : memref<16xf32, strided<[1], offset: ?>>)
  }
  return
}

// -----

// What is written between is read where it was, by the host.
// CHECK-LABEL: func.func @overwritten(
// CHECK: %[[N:.*]] = memref.load
// CHECK: gpu.launch_func @kernels::@fill_0
// CHECK: gpu.launch_func @kernels::@copy_0
func.func @overwritten(%x: memref<8x16xf32>, %i: memref<i64>, %y: memref<16xf32>) {
  %zero = arith.constant 0 : i64
  %n = memref.load %i[] : memref<i64>
  linalg.fill ins(%zero : i64) outs(%i : memref<i64>)
  %at = arith.index_cast %n : i64 to index
  %row = memref.subview %x[%at, 0] [1, 16] [1, 1] : memref<8x16xf32> to memref<16xf32, strided<[1], offset: ?>>
  linalg.copy ins(%row : memref<16xf32, strided<[1], offset: ?>>) outs(%y : memref<16xf32>)
  return
}

// -----

// The host waits anyway for a condition.
// CHECK-LABEL: func.func @condition(
// CHECK: memref.load
// CHECK: scf.if
func.func @condition(%x: memref<8x16xf32>, %i: memref<i64>, %y: memref<16xf32>) {
  %zero = arith.constant 0 : i64
  %n = memref.load %i[] : memref<i64>
  %at = arith.index_cast %n : i64 to index
  %row = memref.subview %x[%at, 0] [1, 16] [1, 1] : memref<8x16xf32> to memref<16xf32, strided<[1], offset: ?>>
  linalg.copy ins(%row : memref<16xf32, strided<[1], offset: ?>>) outs(%y : memref<16xf32>)
  %some = arith.cmpi ne, %n, %zero : i64
  scf.if %some {
    %f = arith.constant 1.0 : f32
    linalg.fill ins(%f : f32) outs(%y : memref<16xf32>)
  }
  return
}
