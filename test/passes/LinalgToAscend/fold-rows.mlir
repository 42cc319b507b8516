// Rows of several repeats are folded before they are reduced: halves are joined; what of the left half has no partner is kept.
// RUN: cell-opt %s --cell-to-ascend --split-input-file | FileCheck %s

// CHECK-LABEL: func.func @reduce_add_0(
// CHECK: %[[A:.*]] = memref.subview %[[X:.*]][0, 512] {{.}}[[R:[0-9]+]], 509]
// CHECK: %[[B:.*]] = memref.subview %[[X]][0, 0] {{.}}[[R]], 509]
// CHECK: ascend.copy ins(%{{.*}} : memref<[[R]]x8xf32, strided<[1024, 1], offset: 504>
// CHECK: ascend.vbin <add> ins(%[[B]], %[[A]] :
// CHECK: ascend.vbin <add> ins({{.*}} : memref<[[R]]x256xf32
// CHECK: ascend.vbin <add> ins({{.*}} : memref<[[R]]x128xf32
// CHECK: ascend.vbin <add> ins({{.*}} : memref<[[R]]x64xf32
// CHECK-NOT: ascend.vbin
// CHECK: ascend.vreduce <sum> dims = [1] ins(%{{.*}} : memref<[[R]]x64xf32
func.func @main(%a: tensor<400x1021xf32>) -> tensor<400xf32> {
  %0 = cell.reduce_sum %a {axes = array<i64: 1>, keepdims = false} : (tensor<400x1021xf32>) -> tensor<400xf32>
  return %0 : tensor<400xf32>
}

// -----

// Not where that saves no time.
// CHECK-LABEL: func.func @reduce_maximum_0(
// CHECK-NOT: ascend.vbin
// CHECK: ascend.vreduce <max> dims = [1]
func.func @main(%a: tensor<400x64xf32>) -> tensor<400xf32> {
  %0 = cell.reduce_max %a {axes = array<i64: 1>, keepdims = false} : (tensor<400x64xf32>) -> tensor<400xf32>
  return %0 : tensor<400xf32>
}

// -----

// Nor where the buffer for it has no room: rows that are this long are still one kernel.
// CHECK-LABEL: func.func @main(
// CHECK-COUNT-1: gpu.launch_func
// CHECK-NOT: gpu.launch_func
// CHECK: func.func @rows_
// CHECK-NOT: ascend.vbin <max>
// CHECK: ascend.vreduce <max> dims = [1] ins(%{{.*}} : memref<1x13000xf32
// CHECK-NOT: ascend.vbin <add>
// CHECK: ascend.vreduce <sum> dims = [1] ins(%{{.*}} : memref<1x13000xf32
func.func @main(%a: tensor<100x13000xf32>) -> tensor<100x1xf32> {
  %m = cell.reduce_max %a {axes = array<i64: 1>, keepdims = true} : (tensor<100x13000xf32>) -> tensor<100x1xf32>
  %b = cell.broadcast %m {shape = array<i64: 100, 13000>} : (tensor<100x1xf32>) -> tensor<100x13000xf32>
  %d = cell.sub %a, %b : tensor<100x13000xf32>
  %e = cell.exp %d : tensor<100x13000xf32>
  %s = cell.reduce_sum %e {axes = array<i64: 1>, keepdims = true} : (tensor<100x13000xf32>) -> tensor<100x1xf32>
  return %s : tensor<100x1xf32>
}
