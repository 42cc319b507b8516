// RUN: cell-opt %s --plan-arena | FileCheck %s

// What a branch makes is read in each iteration of the loop: the loop's own buffer, made after that use, lies elsewhere. Both branches and the
// loop need bytes of their own.
// CHECK: module attributes {cell.arena_bytes = 768 : i64}
// CHECK: scf.if
// CHECK: %[[A:.*]] = arith.constant 0 : index
// CHECK: memref.view %{{.*}}[%[[A]]][]
// CHECK: else
// CHECK: %[[B:.*]] = arith.constant 256 : index
// CHECK: memref.view %{{.*}}[%[[B]]][]
// CHECK: scf.for
// CHECK: %[[C:.*]] = arith.constant 512 : index
// CHECK: memref.view %{{.*}}[%[[C]]][]
func.func @main(%x: memref<64xf32>, %y: memref<64xf32>, %z: memref<64xf32>, %flag: i1) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %four = arith.constant 4 : index
  %w = scf.if %flag -> memref<64xf32> {
    %a = memref.alloc() : memref<64xf32>
    memref.copy %x, %a : memref<64xf32> to memref<64xf32>
    scf.yield %a : memref<64xf32>
  } else {
    %b = memref.alloc() : memref<64xf32>
    memref.copy %y, %b : memref<64xf32> to memref<64xf32>
    scf.yield %b : memref<64xf32>
  }
  scf.for %i = %zero to %four step %one {
    memref.copy %w, %y : memref<64xf32> to memref<64xf32>
    %c = memref.alloc() : memref<64xf32>
    memref.copy %x, %c : memref<64xf32> to memref<64xf32>
    memref.copy %c, %z : memref<64xf32> to memref<64xf32>
  }
  return
}
