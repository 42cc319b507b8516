// RUN: cell-opt %s --split-input-file --linalg-to-gpu="chip=sm_90a" | FileCheck %s
// RUN: cell-opt %s --split-input-file --linalg-to-gpu="chip=sm_90a wgmma=off" | FileCheck %s --check-prefix=MMA

// Blocks that run at the same time compute a band of 16 rows of tiles, column by column: of 64 columns of tiles 1024 numbers make a band.

// CHECK-LABEL: func.func @main
// CHECK: gpu.func @matmul_wgmma_0
// CHECK: %[[BLOCK:.*]] = arith.index_castui %block_id_x : index to i32
// CHECK: arith.remui %[[BLOCK]], %c1024_i32
// CHECK: arith.remui %{{.*}}, %c16_i32
// MMA: gpu.func @matmul_mma_0
// MMA: %[[BLOCK:.*]] = arith.index_castui %block_id_x : index to i32
// MMA: arith.remui %[[BLOCK]], %c2048_i32
// MMA: arith.remui %{{.*}}, %c16_i32
func.func @main(%a: tensor<16384x1024xf16>, %b: tensor<1024x16384xf16>) -> tensor<16384x16384xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<16384x16384xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<16384x16384xf32>) -> tensor<16384x16384xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(i, j, k) -> (i, k)>, affine_map<(i, j, k) -> (k, j)>, affine_map<(i, j, k) -> (i, j)>], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%a, %b : tensor<16384x1024xf16>, tensor<1024x16384xf16>) outs(%f : tensor<16384x16384xf32>) {
  ^bb0(%x: f16, %y: f16, %z: f32):
    %xw = arith.extf %x : f16 to f32
    %yw = arith.extf %y : f16 to f32
    %p = arith.mulf %xw, %yw : f32
    %s = arith.addf %z, %p : f32
    linalg.yield %s : f32
  } -> tensor<16384x16384xf32>
  return %r : tensor<16384x16384xf32>
}

// -----

// All blocks run at the same time: as they lie in memory.
// CHECK-LABEL: func.func @small
// MMA-LABEL: func.func @small
// MMA: gpu.func @matmul_mma_0
// MMA: %[[BLOCK:.*]] = arith.index_castui %block_id_x : index to i32
// MMA: arith.remui %[[BLOCK]], %c8_i32
// MMA: %[[ROW:.*]] = arith.divui %[[BLOCK]], %c8_i32
// MMA: %[[AT:.*]] = arith.index_castui %[[ROW]] : i32 to index
// MMA: arith.muli %[[AT]], %c64 : index
func.func @small(%a: tensor<1024x1024xf16>, %b: tensor<1024x1024xf16>) -> tensor<1024x1024xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<1024x1024xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<1024x1024xf32>) -> tensor<1024x1024xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(i, j, k) -> (i, k)>, affine_map<(i, j, k) -> (k, j)>, affine_map<(i, j, k) -> (i, j)>], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%a, %b : tensor<1024x1024xf16>, tensor<1024x1024xf16>) outs(%f : tensor<1024x1024xf32>) {
  ^bb0(%x: f16, %y: f16, %z: f32):
    %xw = arith.extf %x : f16 to f32
    %yw = arith.extf %y : f16 to f32
    %p = arith.mulf %xw, %yw : f32
    %s = arith.addf %z, %p : f32
    linalg.yield %s : f32
  } -> tensor<1024x1024xf32>
  return %r : tensor<1024x1024xf32>
}
