// RUN: cell-opt %s --linalg-to-gpu | FileCheck %s

// 16-bit factors with f32 sums: tensor cores, and the result is rounded where it is stored.

// CHECK: gpu.launch_func @kernels::@matmul_trunc_add_mma_0
// CHECK-NOT: gpu.launch_func
// CHECK: gpu.func @matmul_trunc_add_mma_0
// CHECK: nvgpu.device_async_copy {{.*}}, 8 {bypassL1}
// CHECK: nvgpu.device_async_create_group
// CHECK: scf.for
// CHECK: nvgpu.device_async_wait {{.*}} {numGroups = 1 : i32}
// CHECK: gpu.barrier
// CHECK: nvgpu.ldmatrix {{.*}} {numTiles = 4 : i32, transpose = false}
// CHECK: nvgpu.ldmatrix {{.*}} {numTiles = 4 : i32, transpose = true}
// CHECK: nvgpu.mma.sync{{.*}} {mmaShape = [16, 8, 16]} : (vector<4x2xf16>, vector<2x2xf16>, vector<2x2xf32>) -> vector<2x2xf32>
// CHECK: nvgpu.device_async_wait {{.*}} {numGroups = 0 : i32}
// CHECK: vector.store {{.*}} vector<2xf16>
#mA = affine_map<(m, n, k) -> (m, k)>
#mB = affine_map<(m, n, k) -> (k, n)>
#mC = affine_map<(m, n, k) -> (m, n)>
#id = affine_map<(m, n) -> (m, n)>
#row = affine_map<(m, n) -> (n)>
func.func @main(%a: tensor<256x128xf16>, %b: tensor<128x192xf16>, %bias: tensor<192xf16>) -> tensor<256x192xf16> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<256x192xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<256x192xf32>) -> tensor<256x192xf32>
  %c = linalg.contract indexing_maps = [#mA, #mB, #mC] ins(%a, %b : tensor<256x128xf16>, tensor<128x192xf16>) outs(%f : tensor<256x192xf32>) -> tensor<256x192xf32>
  %o = tensor.empty() : tensor<256x192xf16>
  %r = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]} ins(%c, %bias : tensor<256x192xf32>, tensor<192xf16>) outs(%o : tensor<256x192xf16>) {
  ^bb0(%x: f32, %y: f16, %z: f16):
    %t = arith.truncf %x : f32 to f16
    %s = arith.addf %t, %y : f16
    linalg.yield %s : f16
  } -> tensor<256x192xf16>
  return %r : tensor<256x192xf16>
}
