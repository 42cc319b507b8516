// RUN: cell-opt %s --linalg-to-gpu --split-input-file | FileCheck %s

// A matrix times a vector along contiguous rows: a warp per row.

// CHECK: gpu.func @matmul_rows_0
// CHECK: vector.load {{.*}} vector<4xf32>
// CHECK: gpu.shuffle
func.func @main(%a: tensor<512x1024xf32>, %b: tensor<1024xf32>) -> tensor<512xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<512xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<512xf32>) -> tensor<512xf32>
  %c = linalg.matvec ins(%a, %b : tensor<512x1024xf32>, tensor<1024xf32>) outs(%f : tensor<512xf32>) -> tensor<512xf32>
  return %c : tensor<512xf32>
}

// -----

// Few columns of a long sum: pieces of the sum, and a kernel that adds them in order.

// CHECK: %[[SUMS:.*]] = memref.view {{.*}} to memref<{{[0-9]+}}xf32>
// CHECK: gpu.launch_func @kernels::@matmul_0 {{.*}}%[[SUMS]] : memref
// CHECK: gpu.launch_func @kernels::@matmul_sum_0 {{.*}}args(%[[SUMS]] : memref
func.func @main(%a: tensor<40000x8xf32>, %b: tensor<40000x8xf32>) -> tensor<8x8xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<8x8xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<8x8xf32>) -> tensor<8x8xf32>
  %c = linalg.contract indexing_maps = [affine_map<(m, n, k) -> (k, m)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>]
      ins(%a, %b : tensor<40000x8xf32>, tensor<40000x8xf32>) outs(%f : tensor<8x8xf32>) -> tensor<8x8xf32>
  return %c : tensor<8x8xf32>
}
