// RUN: cell-opt %s --cell-differentiate | FileCheck %s
// A while loop hands tangents on beside their values; its condition has none.

// CHECK-LABEL: func.func private @f.jvp
// CHECK: scf.while (%[[I:.*]] = %{{.*}}, %[[A:.*]] = %arg0, %[[TA:.*]] = %arg1)
// CHECK: scf.condition(%{{.*}}) %[[I]], %[[A]], %[[TA]]
// CHECK: ^bb0(%{{.*}}: tensor<i64>, %[[B:.*]]: tensor<4xf32>, %[[TB:.*]]: tensor<4xf32>):
// CHECK: scf.yield %{{.*}}, %{{.*}}, %{{.*}} : tensor<i64>, tensor<4xf32>, tensor<4xf32>
func.func private @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  %zero = cell.constant dense<0> : tensor<i64>
  %one = cell.constant dense<1> : tensor<i64>
  %three = cell.constant dense<3> : tensor<i64>
  %r:2 = scf.while (%i = %zero, %a = %x) : (tensor<i64>, tensor<4xf32>) -> (tensor<i64>, tensor<4xf32>) {
    %c = cell.less %i, %three : (tensor<i64>, tensor<i64>) -> tensor<i1>
    %flag = tensor.extract %c[] : tensor<i1>
    scf.condition(%flag) %i, %a : tensor<i64>, tensor<4xf32>
  } do {
  ^bb0(%i: tensor<i64>, %a: tensor<4xf32>):
    %next = cell.add %i, %one : tensor<i64>
    %b = cell.sin %a : tensor<4xf32>
    scf.yield %next, %b : tensor<i64>, tensor<4xf32>
  }
  return %r#1 : tensor<4xf32>
}
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %r:2 = cell.jvp @f(%x) tangents(%x) wrt [0] outputs [0] : (tensor<4xf32>), (tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %r#1 : tensor<4xf32>
}
