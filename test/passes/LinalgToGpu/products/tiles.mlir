// RUN: cell-opt %s --split-input-file --linalg-to-gpu | FileCheck %s

// Bias and relu are computed where the product is stored: one kernel, and the product itself is never written.

// CHECK-LABEL: func.func @main
// CHECK-NOT: memref.alloc
// CHECK: gpu.launch_func @kernels::@matmul_add_maximum_0
// CHECK-NOT: gpu.launch_func
// CHECK: gpu.func @matmul_add_maximum_0
// CHECK-SAME: workgroup(
// CHECK: vector.load {{.*}} vector<4xf32>
// CHECK: gpu.barrier
// CHECK: scf.for
// CHECK: math.fma {{.*}} vector<4xf32>
// CHECK: gpu.barrier
// CHECK: arith.addf {{.*}} vector<4xf32>
// CHECK: arith.maximumf {{.*}} vector<4xf32>
// CHECK: vector.store {{.*}} vector<4xf32>
func.func @main(%a: tensor<1024x128xf32>, %b: tensor<128x1024xf32>, %bias: tensor<1024xf32>) -> tensor<1024x1024xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<1024x1024xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<1024x1024xf32>) -> tensor<1024x1024xf32>
  %c = linalg.matmul ins(%a, %b : tensor<1024x128xf32>, tensor<128x1024xf32>) outs(%f : tensor<1024x1024xf32>) -> tensor<1024x1024xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (n)>, affine_map<(m, n) -> (m, n)>], iterator_types = ["parallel", "parallel"]}
      ins(%c, %bias : tensor<1024x1024xf32>, tensor<1024xf32>) outs(%e : tensor<1024x1024xf32>) {
  ^bb0(%x: f32, %y: f32, %z: f32):
    %s = arith.addf %x, %y : f32
    %t = arith.maximumf %s, %zero : f32
    linalg.yield %t : f32
  } -> tensor<1024x1024xf32>
  return %r : tensor<1024x1024xf32>
}

// -----

// A convolution with 16 channels takes tiles of 16 rows: 64 threads of 8 x 4 or fewer sums, and nothing beside the result is computed.

// CHECK-LABEL: func.func @few_channels
// CHECK: gpu.func @conv2d_0
// CHECK-SAME: known_block_size = array<i32: 64, 1, 1>
func.func @few_channels(%x: tensor<128x16x32x32xf32>, %w: tensor<16x16x3x3xf32>) -> tensor<128x16x32x32xf32> {
  %e = tensor.empty() : tensor<128x16x32x32xf32>
  %y = cellrt.call "conv2d" params [1, 1, 1, 1, 1, 1, 1, 1, 1] ins(%x, %w : tensor<128x16x32x32xf32>, tensor<16x16x3x3xf32>) outs(%e : tensor<128x16x32x32xf32>) -> tensor<128x16x32x32xf32>
  return %y : tensor<128x16x32x32xf32>
}
