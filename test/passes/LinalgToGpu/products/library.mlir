// RUN: cell-opt %s --linalg-to-gpu="products=library" | FileCheck %s
// RUN: cell-opt %s --linalg-to-gpu="products=measured" | FileCheck %s --check-prefix=MEASURED
// RUN: cell-opt %s --linalg-to-gpu="products=library" --gpu-program-to-llvm="chip=sm_80" | FileCheck %s --check-prefix=LLVM

// A product with bias and relu is one call of the library, with its scratch memory in the arena; the record says how the factors lie (the right one transposed).

// CHECK-LABEL: func.func @main
// CHECK: memref.view {{.*}} memref<{{.*}}xi8> to memref<[[BYTES:[0-9]+]]xi8>
// CHECK: cellrt.call "library_product" params [0, 2, 2, 0, 3, 0, [[BYTES]], 16, 0, 0, 32, 128, 96, 64, 1, 0, 64, 0, 1, 64, 0, 96, 0, 0, 0, 0, 0, 0, 0] ins(%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} : memref<128x64xf32>, memref<96x64xf32>, memref<96xf32>, memref<[[BYTES]]xi8>) outs(%{{.*}} : memref<128x96xf32>)
// CHECK-NOT: gpu.

// Measured, both ways are there and the runtime chooses.

// MEASURED: scf.while
// MEASURED: llvm.call @cg_gpu_product_next
// MEASURED: scf.if
// MEASURED: cellrt.call "library_product"
// MEASURED: else
// MEASURED: gpu.launch_func @kernels::@matmul_add_maximum_0

// LLVM: llvm.call @cg_gpu_product(
#mA = affine_map<(m, n, k) -> (m, k)>
#mB = affine_map<(m, n, k) -> (n, k)>
#mC = affine_map<(m, n, k) -> (m, n)>
func.func @main(%a: tensor<128x64xf32>, %b: tensor<96x64xf32>, %bias: tensor<96xf32>) -> tensor<128x96xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<128x96xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<128x96xf32>) -> tensor<128x96xf32>
  %c = linalg.contract indexing_maps = [#mA, #mB, #mC] ins(%a, %b : tensor<128x64xf32>, tensor<96x64xf32>) outs(%f : tensor<128x96xf32>) -> tensor<128x96xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (n)>, affine_map<(m, n) -> (m, n)>], iterator_types = ["parallel", "parallel"]}
      ins(%c, %bias : tensor<128x96xf32>, tensor<96xf32>) outs(%e : tensor<128x96xf32>) {
  ^bb0(%x: f32, %y: f32, %z: f32):
    %s = arith.addf %x, %y : f32
    %t = arith.maximumf %s, %zero : f32
    linalg.yield %t : f32
  } -> tensor<128x96xf32>
  return %r : tensor<128x96xf32>
}
