// RUN: cell-opt %s --linalg-to-gpu="tf32=matmul" | FileCheck %s
// RUN: cell-opt %s --linalg-to-gpu | FileCheck %s --check-prefix=OFF
// RUN: cell-opt %s --linalg-to-gpu="tf32=conv" | FileCheck %s --check-prefix=OFF
// RUN: cell-opt %s --cell-to-nvvm="chip=sm_80 tf32=all" | FileCheck %s --check-prefix=NVVM

// f32 factors are rounded to tf32 only where that is allowed. The left factor lies along the sum and comes by ldmatrix, the right one element by element.

// CHECK: gpu.func @matmul_tf32_0
// CHECK: nvgpu.device_async_copy {{.*}}, 4 {bypassL1}
// CHECK: nvgpu.ldmatrix {{.*}} {numTiles = 4 : i32, transpose = false} : {{.*}} -> vector<4x1xf32>
// CHECK: arith.truncf %{{.*}} to_nearest_away : f32 to tf32
// CHECK: memref.load
// CHECK: nvgpu.mma.sync{{.*}} {mmaShape = [16, 8, 8], tf32Enabled} : (vector<4x1xf32>, vector<2x1xf32>, vector<2x2xf32>) -> vector<2x2xf32>
// OFF-NOT: tf32
// OFF: math.fma
// OFF-NOT: tf32
// NVVM: nvvm.convert.float.to.tf32 %{{.*}} {rnd = #nvvm.fp_rnd_mode<rna>}
// NVVM: nvvm.mma.sync {{.*}} multiplicandAPtxType = #nvvm.mma_type<tf32>{{.*}} shape = #nvvm.shape<m = 16, n = 8, k = 8>
func.func @main(%a: tensor<128x64xf32>, %b: tensor<64x128xf32>) -> tensor<128x128xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<128x128xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<128x128xf32>) -> tensor<128x128xf32>
  %c = linalg.matmul ins(%a, %b : tensor<128x64xf32>, tensor<64x128xf32>) outs(%f : tensor<128x128xf32>) -> tensor<128x128xf32>
  return %c : tensor<128x128xf32>
}
