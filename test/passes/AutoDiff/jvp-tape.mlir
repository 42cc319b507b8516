// RUN: cell-opt %s --cell-differentiate | FileCheck %s
// The tangent of a tape is a tape next to it, with zeros for what has no tangent.

// CHECK-LABEL: func.func private @f.jvp
// CHECK: %[[T:.*]] = cell.tape_create
// CHECK: %[[D:.*]] = cell.tape_create
// CHECK: %[[T1:.*]] = cell.tape_push %[[T]], %arg1
// CHECK: %[[Z:.*]] = cell.constant dense<0.0
// CHECK: %[[D1:.*]] = cell.tape_push %[[D]], %[[Z]]
// CHECK: %[[T2:.*]] = cell.tape_push %[[T1]], %arg0
// CHECK: %[[D2:.*]] = cell.tape_push %[[D1]], %arg2
// CHECK: %{{.*}}, %[[V:.*]] = cell.tape_pop %[[T2]]
// CHECK: %{{.*}}, %[[TV:.*]] = cell.tape_pop %[[D2]]
// CHECK: return %[[V]], %[[TV]]
func.func private @f(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  %0 = cell.tape_create : !cell.tape<tensor<4xf32>>
  %1 = cell.tape_push %0, %y : !cell.tape<tensor<4xf32>>
  %2 = cell.tape_push %1, %x : !cell.tape<tensor<4xf32>>
  %3, %4 = cell.tape_pop %2 : !cell.tape<tensor<4xf32>>
  return %4 : tensor<4xf32>
}
func.func @main(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  %r:2 = cell.jvp @f(%x, %y) tangents(%x) wrt [0] outputs [0] : (tensor<4xf32>, tensor<4xf32>), (tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %r#1 : tensor<4xf32>
}
