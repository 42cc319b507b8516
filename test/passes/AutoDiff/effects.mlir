// RUN: cell-opt %s --cell-differentiate | FileCheck %s
// What prints or asserts does so once, in the forward half.

// CHECK-LABEL: func.func private @f.forward
// CHECK: cell.print
// CHECK: cell.assert
// CHECK-LABEL: func.func private @f.reverse
// CHECK-NOT: cell.print
// CHECK-NOT: cell.assert
// CHECK-LABEL: func.func @main
func.func private @f(%x: tensor<f32>, %c: tensor<i1>) -> tensor<f32> {
  %p = tensor.extract %c[] : tensor<i1>
  %r = scf.if %p -> tensor<f32> {
    cell.print "x = {}\n" (%x) : tensor<f32>
    cell.assert %c, "holds" : tensor<i1>
    %y = cell.sin %x : tensor<f32>
    scf.yield %y : tensor<f32>
  } else {
    scf.yield %x : tensor<f32>
  }
  return %r : tensor<f32>
}
func.func @main(%x: tensor<f32>, %c: tensor<i1>) -> tensor<f32> {
  %v, %g = cell.value_and_grad @f(%x, %c) wrt [0] outputs [0] : (tensor<f32>, tensor<i1>) -> (tensor<f32>, tensor<f32>)
  return %g : tensor<f32>
}
