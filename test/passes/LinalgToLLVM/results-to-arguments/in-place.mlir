// RUN: cell-opt %s --results-to-arguments | FileCheck %s
// Nested loops that write elements of what they carry work in place: no copy to the carried tensor.

// CHECK-LABEL: func.func @main
func.func @main(%x: tensor<2x3xf32>, %y: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  // CHECK: scf.for
  %0 = scf.for %i = %c0 to %c2 step %c1 iter_args(%a = %y) -> (tensor<2x3xf32>) {
    // CHECK: scf.for
    %1 = scf.for %j = %c0 to %c3 step %c1 iter_args(%b = %a) -> (tensor<2x3xf32>) {
      %e = tensor.extract %x[%i, %j] : tensor<2x3xf32>
      // CHECK: %[[N:.*]] = tensor.insert
      // CHECK-NEXT: scf.yield %[[N]]
      %n = tensor.insert %e into %b[%i, %j] : tensor<2x3xf32>
      scf.yield %n : tensor<2x3xf32>
    }
    // CHECK-NOT: bufferization.materialize_in_destination
    // CHECK: scf.yield
    scf.yield %1 : tensor<2x3xf32>
  }
  return %0 : tensor<2x3xf32>
}
