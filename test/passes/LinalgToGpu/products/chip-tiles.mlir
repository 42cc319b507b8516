// RUN: cell-opt %s --linalg-to-gpu="chip=sm_87" | FileCheck %s --check-prefix=FEW
// RUN: cell-opt %s --linalg-to-gpu="chip=sm_90" | FileCheck %s --check-prefix=MANY

// Tiles are chosen for the chip: where there are few multiprocessors they are large, where there are many there must be enough of them.

// FEW: gpu.func @matmul_0{{.*}}known_block_size = array<i32: 256, 1, 1>, known_grid_size = array<i32: 64, 1, 1>
// MANY: gpu.func @matmul_0{{.*}}known_block_size = array<i32: 256, 1, 1>, known_grid_size = array<i32: 128, 1, 1>
func.func @main(%a: tensor<1024x128xf32>, %b: tensor<128x1024xf32>) -> tensor<1024x1024xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<1024x1024xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<1024x1024xf32>) -> tensor<1024x1024xf32>
  %c = linalg.matmul ins(%a, %b : tensor<1024x128xf32>, tensor<128x1024xf32>) outs(%f : tensor<1024x1024xf32>) -> tensor<1024x1024xf32>
  return %c : tensor<1024x1024xf32>
}
