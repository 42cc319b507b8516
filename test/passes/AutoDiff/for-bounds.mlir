// RUN: cell-opt %s --cell-differentiate --canonicalize | FileCheck %s
// for k in 2..9 step 3 runs for k = 2, 5, 8; backwards 8, 5, 2 is computed from the trip: nothing is saved for it.

// CHECK-LABEL: func.func private @f.reverse
// CHECK-NOT: !cell.tape<tensor<i64>>
// CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG: %[[C1:.*]] = arith.constant 1 : index
// CHECK-DAG: %[[C2:.*]] = arith.constant 2 : index
// CHECK-DAG: %[[C3:.*]] = arith.constant 3 : index
// CHECK: scf.for %[[K:.*]] = %[[C0]] to %[[C3]] step %[[C1]]
// CHECK: %[[A:.*]] = arith.subi %[[C2]], %[[K]]
// CHECK: %[[B:.*]] = arith.muli %[[A]], %[[C3]]
// CHECK: %[[I:.*]] = arith.addi %[[B]], %[[C2]]
// CHECK: %[[J:.*]] = arith.index_cast %[[I]] : index to i64
// CHECK: %[[T:.*]] = tensor.from_elements %[[J]]
// CHECK: cell.cast %[[T]]
func.func private @f(%x: tensor<f64>) -> tensor<f64> {
  %lower = arith.constant 2 : index
  %upper = arith.constant 9 : index
  %step = arith.constant 3 : index
  %r = scf.for %k = %lower to %upper step %step iter_args(%a = %x) -> tensor<f64> {
    %i = arith.index_cast %k : index to i64
    %t = tensor.from_elements %i : tensor<i64>
    %s = cell.cast %t {dtype = f64} : (tensor<i64>) -> tensor<f64>
    %b = cell.mul %a, %s : tensor<f64>
    scf.yield %b : tensor<f64>
  }
  return %r : tensor<f64>
}
func.func @main(%x: tensor<f64>) -> tensor<f64> {
  %v, %g = cell.value_and_grad @f(%x) wrt [0] outputs [0] : (tensor<f64>) -> (tensor<f64>, tensor<f64>)
  return %g : tensor<f64>
}
