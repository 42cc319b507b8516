// RUN: cell-opt --cell-simplify %s | FileCheck %s

// Loops of one or no iteration and branches on constants are no loops and no branches.
// CHECK-LABEL: func @main
// CHECK-NOT: scf
// CHECK: %[[N:.*]] = cell.neg %arg0
// CHECK-NEXT: return %[[N]]
func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
  %c0 = cell.constant dense<0> : tensor<i64>
  %c1 = cell.constant dense<1> : tensor<i64>
  %i0 = tensor.extract %c0[] : tensor<i64>
  %i1 = tensor.extract %c1[] : tensor<i64>
  %lower = arith.index_cast %i0 : i64 to index
  %upper = arith.index_cast %i1 : i64 to index
  %r = scf.for %i = %lower to %upper step %upper iter_args(%a = %x) -> (tensor<2xf32>) {
    %s = cell.neg %a : tensor<2xf32>
    scf.yield %s : tensor<2xf32>
  }
  %q = scf.for %i = %lower to %lower step %upper iter_args(%a = %r) -> (tensor<2xf32>) {
    %s = cell.exp %a : tensor<2xf32>
    scf.yield %s : tensor<2xf32>
  }
  %flag = cell.constant dense<true> : tensor<i1>
  %c = tensor.extract %flag[] : tensor<i1>
  %p = scf.if %c -> (tensor<2xf32>) {
    scf.yield %q : tensor<2xf32>
  } else {
    %s = cell.exp %q : tensor<2xf32>
    scf.yield %s : tensor<2xf32>
  }
  return %p : tensor<2xf32>
}
