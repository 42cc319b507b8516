// A long sum with few tiles is cut into pieces for the cores that would be idle; a second kernel adds them in order, so that each run gives the same numbers.
// RUN: cell-opt %s --linalg-to-ascend-kernels 2>/dev/null | FileCheck %s

// CHECK: %[[PIECES:.*]] = memref.alloc() : memref<16384xf32>
// CHECK: gpu.launch_func @kernels::@matmul_0 blocks in (%c{{1[0-9]|20}},
// CHECK-SAME: %[[PIECES]] : memref<16384xf32>
// CHECK: gpu.launch_func @kernels::@
// CHECK: func.func @matmul_0(
// CHECK-NOT: atomic
func.func @main(%a: memref<32x8192xf16>, %b: memref<8192x32xf16>, %c: memref<32x32xf32>) {
  %z = arith.constant 0.0 : f32
  linalg.fill ins(%z : f32) outs(%c : memref<32x32xf32>)
  linalg.matmul ins(%a, %b : memref<32x8192xf16>, memref<8192x32xf16>) outs(%c : memref<32x32xf32>)
  return
}
