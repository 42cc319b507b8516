// RUN: cell-opt %s --cell-differentiate | FileCheck %s
// Each trip reads a row of %x: its gradient is added to that row of the sum, not to all of it.

// CHECK-LABEL: func.func private @f.reverse
// CHECK: scf.for {{.*}} iter_args(%[[CT:.*]] = %{{.*}}, %[[SUM:.*]] = %{{.*}})
// CHECK: %[[OLD:.*]] = cell.dynamic_slice %[[SUM]]
// CHECK: %[[NEW:.*]] = cell.add %[[OLD]], %[[CT]]
// CHECK: %[[NEXT:.*]] = cell.dynamic_update %[[SUM]], %[[NEW]]
// CHECK: scf.yield %[[CT]], %[[NEXT]]
func.func private @f(%x: tensor<8x3xf64>) -> tensor<1x3xf64> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %zero = cell.constant dense<0> : tensor<i64>
  %init = cell.constant dense<0.0> : tensor<1x3xf64>
  %r = scf.for %k = %c0 to %c8 step %c1 iter_args(%a = %init) -> tensor<1x3xf64> {
    %i = arith.index_cast %k : index to i64
    %t = tensor.from_elements %i : tensor<i64>
    %s = cell.dynamic_slice %x, %t, %zero {sizes = array<i64: 1, 3>} : (tensor<8x3xf64>, tensor<i64>, tensor<i64>) -> tensor<1x3xf64>
    %b = cell.add %a, %s : tensor<1x3xf64>
    scf.yield %b : tensor<1x3xf64>
  }
  return %r : tensor<1x3xf64>
}
func.func @main(%x: tensor<8x3xf64>) -> tensor<8x3xf64> {
  %v, %g = cell.value_and_grad @f(%x) wrt [0] outputs [0] : (tensor<8x3xf64>) -> (tensor<1x3xf64>, tensor<8x3xf64>)
  return %g : tensor<8x3xf64>
}
