// RUN: cell-opt %s --results-to-arguments --bufferize-tensors | FileCheck %s

// A function that updates its input in place is not plain: its callers hand on copies of what is read later or must stay.
// CHECK-LABEL: func.func @main(
// CHECK: %[[COPY:.*]] = memref.alloc
// CHECK: memref.copy %{{.*}}, %[[COPY]]
// CHECK: call @update(%[[COPY]],
// CHECK: %[[OTHER:.*]] = memref.alloc
// CHECK: call @update(%[[OTHER]],
func.func @main(%x: tensor<4xf32>, %v: tensor<1xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %a = call @update(%x, %v) : (tensor<4xf32>, tensor<1xf32>) -> tensor<4xf32>
  %b = call @update(%x, %v) : (tensor<4xf32>, tensor<1xf32>) -> tensor<4xf32>
  return %a, %b : tensor<4xf32>, tensor<4xf32>
}

func.func private @update(%x: tensor<4xf32>, %v: tensor<1xf32>) -> tensor<4xf32> {
  %y = tensor.insert_slice %v into %x[0] [1] [1] : tensor<1xf32> into tensor<4xf32>
  return %y : tensor<4xf32>
}
