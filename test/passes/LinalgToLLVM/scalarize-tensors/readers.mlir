// RUN: cell-opt --cell-to-linalg-pipeline --normalize-linalg --scalarize-tensors %s | FileCheck %s

// A 0-d value that a loop over elements reads is a scalar operand; a reduction keeps its tensor.
// CHECK-LABEL: func @main
// CHECK: linalg.fill
// CHECK: %[[SUM:.*]] = linalg.generic {{.*}} ins(%arg0 : tensor<8xf32>) outs(%{{.*}} : tensor<f32>)
// CHECK: %[[S:.*]] = tensor.extract %[[SUM]][]
// CHECK: %[[M:.*]] = arith.divf %[[S]]
// CHECK: linalg.generic {{.*}} ins({{.*}}%[[M]]{{.*}} : {{.*}}f32{{.*}}) outs(%{{.*}} : tensor<8xf32>)
func.func @main(%x: tensor<8xf32>) -> tensor<8xf32> {
  %s = cell.reduce_sum %x {axes = array<i64: 0>, keepdims = false} : (tensor<8xf32>) -> tensor<f32>
  %eight = cell.constant dense<8.0> : tensor<f32>
  %m = cell.div %s, %eight : tensor<f32>
  %b = cell.broadcast %m {shape = array<i64: 8>} : (tensor<f32>) -> tensor<8xf32>
  %r = cell.sub %x, %b : tensor<8xf32>
  return %r : tensor<8xf32>
}
