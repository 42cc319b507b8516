// RUN: cell-opt %s --bufferize-tensors | FileCheck %s

// A copy of what is carried, made to be handed on, is not needed; two places of a loop must not share a buffer, and what is written after the copy stays apart.
// CHECK-LABEL: func.func @main
func.func @main(%x: memref<2xf32>, %n: index) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %a = memref.alloc() : memref<2xf32>
  %b = memref.alloc() : memref<2xf32>
  // CHECK: scf.for {{.*}} iter_args(%[[V:.*]] = %{{.*}})
  // CHECK-NEXT: memref.copy %{{.*}}, %[[V]]
  // CHECK-NEXT: scf.yield %[[V]]
  %r = scf.for %i = %zero to %n step %one iter_args(%v = %a) -> memref<2xf32> {
    memref.copy %x, %v : memref<2xf32> to memref<2xf32>
    %c = memref.alloc() : memref<2xf32>
    memref.copy %v, %c : memref<2xf32> to memref<2xf32>
    scf.yield %c : memref<2xf32>
  }
  // CHECK: scf.for {{.*}} iter_args(%[[V:.*]] = %{{.*}}, %{{.*}} = %{{.*}})
  // CHECK-NEXT: %[[C:.*]] = memref.alloc
  // CHECK: scf.yield %[[C]], %[[V]]
  %s:2 = scf.for %i = %zero to %n step %one iter_args(%v = %r, %w = %b) -> (memref<2xf32>, memref<2xf32>) {
    %c = memref.alloc() : memref<2xf32>
    memref.copy %v, %c : memref<2xf32> to memref<2xf32>
    scf.yield %c, %v : memref<2xf32>, memref<2xf32>
  }
  // CHECK: scf.for {{.*}} iter_args(%[[V:.*]] = %{{.*}})
  // CHECK-NEXT: %[[C:.*]] = memref.alloc
  // CHECK: scf.yield %[[C]]
  %t = scf.for %i = %zero to %n step %one iter_args(%v = %s#0) -> memref<2xf32> {
    %c = memref.alloc() : memref<2xf32>
    memref.copy %v, %c : memref<2xf32> to memref<2xf32>
    memref.copy %x, %v : memref<2xf32> to memref<2xf32>
    scf.yield %c : memref<2xf32>
  }
  memref.copy %t, %x : memref<2xf32> to memref<2xf32>
  return
}
