// RUN: cell-opt %s --finalize-cpu | FileCheck %s

// Calls of one function with many operands go by the rows of a table: places in the arena are offsets, pointers of args complements of offsets.
// CHECK: llvm.mlir.global private constant @fn.layer.rows(dense<[0, -1, -9, -17, -25, -33, 64, 64, -1, -9, -17, -25, -33, 128, 128, -1, -9, -17, -25, -33, 192, 192, -1, -9, -17, -25, -33, -41]>
// CHECK: llvm.func internal @fn.layer.row(%[[ARGS:.*]]: !llvm.ptr, %[[ARENA:.*]]: !llvm.ptr, %[[ROW:.*]]: !llvm.ptr) attributes {no_inline}
// The first column is always in the arena.
// CHECK: %[[CODE:.*]] = llvm.load
// CHECK: %[[FIRST:.*]] = llvm.getelementptr %[[ARENA]][%[[CODE]]]
// The last one is in either.
// CHECK: %[[IS_ARGUMENT:.*]] = llvm.icmp "slt"
// CHECK: %[[LAST:.*]] = llvm.select %[[IS_ARGUMENT]], %{{.*}}, %{{.*}} : i1, !llvm.ptr
// CHECK: llvm.call @fn.layer(%[[FIRST]], {{.*}}, %[[LAST]])
// CHECK: llvm.func internal @fn.layer(
func.func private @layer(%a: memref<4xf32>, %b: memref<4xf32>, %c: memref<4xf32>, %d: memref<4xf32>, %e: memref<4xf32>, %f: memref<4xf32>, %g: memref<4xf32>) {
  %0 = arith.constant 0 : index
  %1 = memref.load %a[%0] : memref<4xf32>
  memref.store %1, %g[%0] : memref<4xf32>
  return
}

// CHECK: llvm.func internal @fn.other(
func.func private @other(%a: memref<4xf32>, %b: memref<4xf32>) {
  return
}

// CHECK: llvm.func @cg_entry(%[[ARGS:.*]]: !llvm.ptr, %[[ARENA:.*]]: !llvm.ptr)
// CHECK-NOT: llvm.load
// CHECK-COUNT-4: llvm.call @fn.layer.row(%[[ARGS]], %[[ARENA]], %{{.*}})
// Each pointer is read where it is used.
// CHECK-NOT: llvm.call
// CHECK-COUNT-2: llvm.load %{{.*}} invariant
// CHECK: llvm.call @fn.other
func.func @main(%w0: memref<4xf32>, %w1: memref<4xf32>, %w2: memref<4xf32>, %w3: memref<4xf32>, %w4: memref<4xf32>, %y: memref<4xf32>, %arena: memref<256xi8> {cellrt.arena}) {
  %o0 = arith.constant 0 : index
  %o1 = arith.constant 64 : index
  %o2 = arith.constant 128 : index
  %o3 = arith.constant 192 : index
  %0 = memref.view %arena[%o0][] : memref<256xi8> to memref<4xf32>
  %1 = memref.view %arena[%o1][] : memref<256xi8> to memref<4xf32>
  %2 = memref.view %arena[%o2][] : memref<256xi8> to memref<4xf32>
  %3 = memref.view %arena[%o3][] : memref<256xi8> to memref<4xf32>
  call @layer(%0, %w0, %w1, %w2, %w3, %w4, %1) : (memref<4xf32>, memref<4xf32>, memref<4xf32>, memref<4xf32>, memref<4xf32>, memref<4xf32>, memref<4xf32>) -> ()
  call @layer(%1, %w0, %w1, %w2, %w3, %w4, %2) : (memref<4xf32>, memref<4xf32>, memref<4xf32>, memref<4xf32>, memref<4xf32>, memref<4xf32>, memref<4xf32>) -> ()
  call @layer(%2, %w0, %w1, %w2, %w3, %w4, %3) : (memref<4xf32>, memref<4xf32>, memref<4xf32>, memref<4xf32>, memref<4xf32>, memref<4xf32>, memref<4xf32>) -> ()
  call @layer(%3, %w0, %w1, %w2, %w3, %w4, %y) : (memref<4xf32>, memref<4xf32>, memref<4xf32>, memref<4xf32>, memref<4xf32>, memref<4xf32>, memref<4xf32>) -> ()
  call @other(%w4, %y) : (memref<4xf32>, memref<4xf32>) -> ()
  return
}
