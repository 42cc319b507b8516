// RUN: cell-opt %s --linalg-to-gpu | FileCheck %s

// Convolutions read windows in place; pooling and its gradient gather; a small scatter_add goes through the indices in order.

// CHECK: gpu.launch_func @kernels::@conv2d
// CHECK: gpu.launch_func @kernels::@conv2d_dx
// CHECK: gpu.launch_func @kernels::@conv2d_dw
// CHECK: gpu.launch_func @kernels::@batch_maxpool2d_and_maxpool2d_dx_and_scatter_add_0
// CHECK-NOT: memref.atomic_rmw
func.func @main(%x: tensor<4x6x15x15xf32>, %w: tensor<16x6x3x3xf32>, %dy: tensor<4x16x8x8xf32>, %p: tensor<4x3x9x9xf32>, %dp: tensor<4x3x5x5xf32>, %i: tensor<7xi64>, %u: tensor<7x5xf32>, %acc: tensor<4x5xf32>) -> (tensor<4x16x8x8xf32>, tensor<4x6x15x15xf32>, tensor<16x6x3x3xf32>, tensor<4x3x5x5xf32>, tensor<4x3x9x9xf32>, tensor<4x5xf32>) {
  %e0 = tensor.empty() : tensor<4x16x8x8xf32>
  %y = cellrt.call "conv2d" params [2, 2, 1, 1, 1, 1, 1, 1, 1] ins(%x, %w : tensor<4x6x15x15xf32>, tensor<16x6x3x3xf32>) outs(%e0 : tensor<4x16x8x8xf32>) -> tensor<4x16x8x8xf32>
  %e1 = tensor.empty() : tensor<4x6x15x15xf32>
  %dx = cellrt.call "conv2d_dx" params [2, 2, 1, 1, 1, 1, 1, 1, 1] ins(%dy, %w : tensor<4x16x8x8xf32>, tensor<16x6x3x3xf32>) outs(%e1 : tensor<4x6x15x15xf32>) -> tensor<4x6x15x15xf32>
  %e2 = tensor.empty() : tensor<16x6x3x3xf32>
  %dw = cellrt.call "conv2d_dw" params [2, 2, 1, 1, 1, 1, 1, 1, 1] ins(%x, %dy : tensor<4x6x15x15xf32>, tensor<4x16x8x8xf32>) outs(%e2 : tensor<16x6x3x3xf32>) -> tensor<16x6x3x3xf32>
  %e3 = tensor.empty() : tensor<4x3x5x5xf32>
  %m = cellrt.call "maxpool2d" params [3, 3, 2, 2, 1, 1, 1, 1, 1, 1] ins(%p : tensor<4x3x9x9xf32>) outs(%e3 : tensor<4x3x5x5xf32>) -> tensor<4x3x5x5xf32>
  %e4 = tensor.empty() : tensor<4x3x9x9xf32>
  %dm = cellrt.call "maxpool2d_dx" params [3, 3, 2, 2, 1, 1, 1, 1, 1, 1] ins(%p, %dp : tensor<4x3x9x9xf32>, tensor<4x3x5x5xf32>) outs(%e4 : tensor<4x3x9x9xf32>) -> tensor<4x3x9x9xf32>
  %s = cellrt.call "scatter_add" ins(%i, %u : tensor<7xi64>, tensor<7x5xf32>) outs(%acc : tensor<4x5xf32>) -> tensor<4x5xf32>
  return %y, %dx, %dw, %m, %dm, %s : tensor<4x16x8x8xf32>, tensor<4x6x15x15xf32>, tensor<16x6x3x3xf32>, tensor<4x3x5x5xf32>, tensor<4x3x9x9xf32>, tensor<4x5xf32>
}
