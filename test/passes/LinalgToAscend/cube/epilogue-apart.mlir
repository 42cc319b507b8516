// What the way out cannot compute (a bias of a transposed product, another function) stays an op of its own.
// RUN: cell-opt %s --linalg-to-ascend-kernels 2>/dev/null | FileCheck %s

#mn = affine_map<(m, n) -> (m, n)>
// CHECK-LABEL: func.func @bias(
// CHECK: gpu.launch_func @kernels::@matmul_0
// CHECK: gpu.launch_func @kernels::@add_0
func.func @bias(%a: memref<32x16xf32>, %b: memref<64x16xf32>, %bias: memref<64xf32>, %out: memref<32x64xf32>) {
  %z = arith.constant 0.0 : f32
  %c = memref.alloc() : memref<32x64xf32>
  linalg.fill ins(%z : f32) outs(%c : memref<32x64xf32>)
  linalg.matmul indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>] ins(%a, %b : memref<32x16xf32>, memref<64x16xf32>) outs(%c : memref<32x64xf32>)
  linalg.generic {indexing_maps = [#mn, affine_map<(m, n) -> (n)>, #mn], iterator_types = ["parallel", "parallel"]} ins(%c, %bias : memref<32x64xf32>, memref<64xf32>) outs(%out : memref<32x64xf32>) {
  ^bb0(%x: f32, %y: f32, %o: f32):
    %s = arith.addf %x, %y : f32
    linalg.yield %s : f32
  }
  return
}

// CHECK-LABEL: func.func @exp(
// CHECK: gpu.launch_func @kernels::@matmul_1
// CHECK: gpu.launch_func @kernels::@exp_0
func.func @exp(%a: memref<32x16xf32>, %b: memref<16x64xf32>, %out: memref<32x64xf32>) {
  %z = arith.constant 0.0 : f32
  %c = memref.alloc() : memref<32x64xf32>
  linalg.fill ins(%z : f32) outs(%c : memref<32x64xf32>)
  linalg.matmul ins(%a, %b : memref<32x16xf32>, memref<16x64xf32>) outs(%c : memref<32x64xf32>)
  linalg.generic {indexing_maps = [#mn, #mn], iterator_types = ["parallel", "parallel"]} ins(%c : memref<32x64xf32>) outs(%out : memref<32x64xf32>) {
  ^bb0(%x: f32, %o: f32):
    %s = math.exp %x : f32
    linalg.yield %s : f32
  }
  return
}
