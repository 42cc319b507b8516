// RUN: cell-opt %s --cell-differentiate --cell-simplify | FileCheck %s
// The loop goes on while any example does, and carries which ones do.

func.func private @f(%x: tensor<f32>) -> tensor<f32> {
  %limit = cell.constant dense<10.0> : tensor<f32>
  %0 = scf.while (%a = %x) : (tensor<f32>) -> tensor<f32> {
    %c = cell.less %a, %limit : (tensor<f32>, tensor<f32>) -> tensor<i1>
    %i = tensor.extract %c[] : tensor<i1>
    scf.condition(%i) %a : tensor<f32>
  } do {
  ^bb0(%a: tensor<f32>):
    %1 = cell.add %a, %a : tensor<f32>
    scf.yield %1 : tensor<f32>
  }
  return %0 : tensor<f32>
}
// CHECK-LABEL: func.func @main
// CHECK: scf.while (%[[ON:.*]] = %{{.*}}, %[[A:.*]] = %{{.*}}) : (tensor<8xi1>, tensor<8xf32>) -> (tensor<8xi1>, tensor<8xf32>)
// CHECK: %[[LESS:.*]] = cell.less %[[A]]
// CHECK: %[[NOW:.*]] = cell.logical_and %[[ON]], %[[LESS]]
// CHECK: %[[ANY:.*]] = cell.reduce_any %[[NOW]]
// CHECK: %[[I:.*]] = tensor.extract %[[ANY]][]
// CHECK: scf.condition(%[[I]]) %[[NOW]], %[[A]]
// CHECK: ^bb0(%[[DOES:.*]]: tensor<8xi1>, %[[OLD:.*]]: tensor<8xf32>):
// CHECK: %[[NEW:.*]] = cell.add %[[OLD]], %[[OLD]]
// CHECK: %[[KEPT:.*]] = cell.select %[[DOES]], %[[NEW]], %[[OLD]]
// CHECK: scf.yield %[[DOES]], %[[KEPT]]
func.func @main(%x: tensor<8xf32>) -> tensor<8xf32> {
  %0 = cell.vmap @f(%x) in_axes [0] out_axes [0] size 8 : (tensor<8xf32>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}
