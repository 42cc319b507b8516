// RUN: cell-opt %s --cell-dedup-functions | FileCheck %s
// Equal private functions become one, also where they are equal only after their callees were merged; @other stays.

// CHECK-COUNT-3: func.func private
// CHECK-NOT: func.func private
func.func private @a1(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = cell.exp %x : tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func private @a2(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = cell.exp %x : tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func private @other(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = cell.log %x : tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func private @b1(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = call @a1(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func private @b2(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = call @a2(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
// CHECK-LABEL: func.func @main
// CHECK: %[[X:.*]] = call @b1
// CHECK: call @b1(%[[X]])
// CHECK: cell.value_and_grad @b1
// CHECK: call @other
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = call @b1(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %1 = call @b2(%0) : (tensor<4xf32>) -> tensor<4xf32>
  %v, %g = cell.value_and_grad @b2(%1) wrt [0] outputs [0] : (tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  %2 = call @other(%g) : (tensor<4xf32>) -> tensor<4xf32>
  return %2 : tensor<4xf32>
}
