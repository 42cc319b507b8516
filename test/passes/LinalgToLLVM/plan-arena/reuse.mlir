// RUN: cell-opt %s --plan-arena | FileCheck %s

// %b is dead when %c starts, so both share the bytes from 512 on; the arena is 512 + 256 bytes.
// CHECK: module attributes {cell.arena_bytes = 768 : i64}
// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[ARENA:[a-z0-9]+]]: memref<768xi8> {cellrt.arena}
// CHECK-NOT: memref.alloc
// CHECK: %[[ZERO:[a-z0-9]+]] = arith.constant 0 : index
// CHECK: memref.view %[[ARENA]][%[[ZERO]]][] : memref<768xi8> to memref<128xf32>
// CHECK: %[[B:.*]] = arith.constant 512 : index
// CHECK: memref.view %[[ARENA]][%[[B]]][] : memref<768xi8> to memref<64xf32>
// CHECK: %[[C:.*]] = arith.constant 512 : index
// CHECK: memref.view %[[ARENA]][%[[C]]][] : memref<768xi8> to memref<64xf32>
func.func @main(%x: memref<64xf32>, %y: memref<128xf32>) {
  %a = memref.alloc() : memref<128xf32>
  %b = memref.alloc() : memref<64xf32>
  memref.copy %y, %a : memref<128xf32> to memref<128xf32>
  memref.copy %x, %b : memref<64xf32> to memref<64xf32>
  %c = memref.alloc() : memref<64xf32>
  memref.copy %x, %c : memref<64xf32> to memref<64xf32>
  memref.copy %a, %y : memref<128xf32> to memref<128xf32>
  return
}
