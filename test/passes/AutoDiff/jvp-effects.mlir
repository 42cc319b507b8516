// RUN: cell-opt %s --cell-differentiate | FileCheck %s
// The forward-mode derivative prints and asserts once, as the function does.

// CHECK-LABEL: func.func private @f.jvp
// CHECK-COUNT-1: cell.print
// CHECK-COUNT-1: cell.assert
// CHECK-NOT: cell.print
// CHECK: return
func.func private @f(%x: tensor<4xf32>, %ok: tensor<i1>) -> tensor<4xf32> {
  %0 = cell.exp %x : tensor<4xf32>
  cell.print "{}\n" (%0) : tensor<4xf32>
  cell.assert %ok, "ok" : tensor<i1>
  return %0 : tensor<4xf32>
}
func.func @main(%x: tensor<4xf32>, %ok: tensor<i1>) -> tensor<4xf32> {
  %r:2 = cell.jvp @f(%x, %ok) tangents(%x) wrt [0] outputs [0] : (tensor<4xf32>, tensor<i1>), (tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %r#1 : tensor<4xf32>
}
