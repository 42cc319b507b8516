// RUN: cell-opt %s --results-to-arguments --bufferize-tensors | FileCheck %s

// Operands of calls are buffers of their own: a part of another is copied, unless it begins where that does and has its layout.
// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[X:[^:]*]]: memref<8xf32>, %[[Y:[^:]*]]: memref<8xf32>)
// CHECK: %[[PART:.*]] = memref.subview %[[X]][4] [4] [1]
// CHECK: memref.copy %[[PART]], %[[IN:.*]] :
// CHECK: %[[OUT:.*]] = memref.cast %{{.*}} : memref<4xf32, strided<[1]>> to memref<4xf32>
// CHECK: call @plain(%[[IN]], %[[OUT]]) : (memref<4xf32>, memref<4xf32>) -> ()
func.func @main(%x: tensor<8xf32>) -> tensor<8xf32> {
  %part = tensor.extract_slice %x[4] [4] [1] : tensor<8xf32> to tensor<4xf32>
  %a = call @plain(%part) : (tensor<4xf32>) -> tensor<4xf32>
  %e = tensor.empty() : tensor<8xf32>
  %0 = tensor.insert_slice %a into %e[0] [4] [1] : tensor<4xf32> into tensor<8xf32>
  %1 = tensor.insert_slice %a into %0[4] [4] [1] : tensor<4xf32> into tensor<8xf32>
  return %1 : tensor<8xf32>
}

func.func private @plain(%x: tensor<4xf32>) -> tensor<4xf32> {
  %e = tensor.empty() : tensor<4xf32>
  %y = linalg.negf ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}
