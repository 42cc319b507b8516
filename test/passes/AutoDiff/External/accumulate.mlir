// RUN: cell-opt %s --cell-differentiate --cell-simplify | FileCheck %s
// A loop that reads one element per trip adds to that element of the gradient; it does not add whole tensors of zeros.

func.func private @f(%x: tensor<9xf32>) -> f32 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c9 = arith.constant 9 : index
  %zero = arith.constant 0.0 : f32
  %r = scf.for %i = %c0 to %c9 step %c1 iter_args(%sum = %zero) -> f32 {
    %e = tensor.extract %x[%i] : tensor<9xf32>
    %next = arith.addf %sum, %e : f32
    scf.yield %next : f32
  }
  return %r : f32
}
// CHECK-LABEL: func.func @main
// CHECK: scf.for {{.*}} -> (tensor<9xf32>)
// CHECK: %[[OLD:.*]] = tensor.extract
// CHECK: %[[NEW:.*]] = arith.addf %[[OLD]]
// CHECK: %[[SUM:.*]] = tensor.insert %[[NEW]]
// CHECK-NEXT: scf.yield %[[SUM]]
func.func @main(%x: tensor<9xf32>) -> tensor<9xf32> {
  %0:2 = cell.value_and_grad @f(%x) wrt [0] outputs [0] : (tensor<9xf32>) -> (f32, tensor<9xf32>)
  return %0#1 : tensor<9xf32>
}
