// RUN: cell-opt %s --cell-differentiate | FileCheck %s
// A branch hands the tangent of its result out, zero where the other branch alone has one.

// CHECK-LABEL: func.func private @f.jvp
// CHECK: %[[R:.*]]:2 = scf.if
// CHECK: scf.yield %{{.*}}, %{{.*}} : tensor<4xf32>, tensor<4xf32>
// CHECK: else
// CHECK: %[[Z:.*]] = cell.constant dense<0.0
// CHECK: scf.yield %arg1, %[[Z]]
// CHECK: return %[[R]]#0, %[[R]]#1
func.func private @f(%x: tensor<4xf32>, %y: tensor<4xf32>, %c: tensor<i1>) -> tensor<4xf32> {
  %flag = tensor.extract %c[] : tensor<i1>
  %r = scf.if %flag -> tensor<4xf32> {
    %0 = cell.sin %x : tensor<4xf32>
    scf.yield %0 : tensor<4xf32>
  } else {
    scf.yield %y : tensor<4xf32>
  }
  return %r : tensor<4xf32>
}
func.func @main(%x: tensor<4xf32>, %y: tensor<4xf32>, %c: tensor<i1>) -> tensor<4xf32> {
  %r:2 = cell.jvp @f(%x, %y, %c) tangents(%x) wrt [0] outputs [0] : (tensor<4xf32>, tensor<4xf32>, tensor<i1>), (tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %r#1 : tensor<4xf32>
}
