// RUN: cell-opt %s --cell-differentiate --cell-simplify | FileCheck %s
// In a branch that some examples take, the others assert nothing, and the batch is printed where any example gets there.

func.func private @check(%x: tensor<f32>) {
  %zero = cell.constant dense<0.0> : tensor<f32>
  %p = cell.greater %x, %zero : (tensor<f32>, tensor<f32>) -> tensor<i1>
  cell.assert %p, "positive" : tensor<i1>
  cell.print "x = {}\n" (%x) : tensor<f32>
  return
}
func.func private @f(%c: tensor<i1>, %x: tensor<f32>) {
  %i = tensor.extract %c[] : tensor<i1>
  scf.if %i {
    func.call @check(%x) : (tensor<f32>) -> ()
  }
  return
}
// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[C:.*]]: tensor<8xi1>, %[[X:.*]]: tensor<8xf32>
// CHECK: %[[P:.*]] = cell.greater %[[X]]
// CHECK: %[[NOT:.*]] = cell.logical_not %[[C]]
// CHECK: %[[OR:.*]] = cell.logical_or %[[P]], %[[NOT]]
// CHECK: %[[ALL:.*]] = cell.reduce_all %[[OR]]
// CHECK: cell.assert %[[ALL]], "positive"
// CHECK: %[[ANY:.*]] = cell.reduce_any %[[C]]
// CHECK: %[[I:.*]] = tensor.extract %[[ANY]][]
// CHECK: scf.if %[[I]] {
// CHECK-NEXT: cell.print "x = {}\0A"(%[[X]]) : tensor<8xf32>
func.func @main(%c: tensor<8xi1>, %x: tensor<8xf32>) {
  cell.vmap @f(%c, %x) in_axes [0, 0] out_axes [] size 8 : (tensor<8xi1>, tensor<8xf32>) -> ()
  return
}
