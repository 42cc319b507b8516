// RUN: cell-opt %s --cell-inline=max-ops=2 | FileCheck %s
// @once is called once and @small is small: both are inlined and removed. @large is called twice and stays a function.

// CHECK-NOT: @once
// CHECK-NOT: @small
// CHECK: func.func private @large
func.func private @once(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = cell.exp %x : tensor<4xf32>
  %1 = cell.log %0 : tensor<4xf32>
  %2 = cell.exp %1 : tensor<4xf32>
  return %2 : tensor<4xf32>
}
func.func private @small(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = cell.sin %x : tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func private @large(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = cell.tanh %x : tensor<4xf32>
  %1 = cell.exp %0 : tensor<4xf32>
  %2 = cell.tanh %1 : tensor<4xf32>
  return %2 : tensor<4xf32>
}
// CHECK-LABEL: func.func @main
// CHECK: cell.exp
// CHECK: cell.log
// CHECK: cell.exp
// CHECK-COUNT-2: cell.sin
// CHECK-COUNT-2: call @large
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = call @once(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %1 = call @small(%0) : (tensor<4xf32>) -> tensor<4xf32>
  %2 = call @small(%1) : (tensor<4xf32>) -> tensor<4xf32>
  %3 = call @large(%2) : (tensor<4xf32>) -> tensor<4xf32>
  %4 = call @large(%3) : (tensor<4xf32>) -> tensor<4xf32>
  return %4 : tensor<4xf32>
}
