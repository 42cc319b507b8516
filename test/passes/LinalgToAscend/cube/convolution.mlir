// A convolution is a product with the matrix of its windows, which is made first; a 1 x 1 convolution reads the image itself.
// RUN: cell-opt %s --linalg-to-ascend-kernels 2>&1 | FileCheck %s

// CHECK: remark: {{.*}} windows of a convolution are gathered for the cube element by element
// CHECK-LABEL: func.func @windows(
// CHECK: %[[MATRIX:.*]] = memref.alloc() : memref<27648xf32>
// CHECK: gpu.launch_func @kernels::@
// CHECK: gpu.launch_func @kernels::@conv2d_{{[0-9]}} {{.*}} %[[MATRIX]] : memref<27648xf32>
func.func @windows(%x: memref<4x3x16x16xf32>, %w: memref<8x3x3x3xf32>, %y: memref<4x8x16x16xf32>) {
  cellrt.call "conv2d" params [1, 1, 1, 1, 1, 1, 1, 1, 1] ins(%x, %w : memref<4x3x16x16xf32>, memref<8x3x3x3xf32>) outs(%y : memref<4x8x16x16xf32>)
  return
}

// CHECK-LABEL: func.func @points(
// CHECK-NOT: memref.alloc()
// CHECK: gpu.launch_func @kernels::@conv2d_
// CHECK-NOT: gpu.launch_func
// CHECK: return
func.func @points(%x: memref<4x16x16x16xf32>, %w: memref<8x16x1x1xf32>, %y: memref<4x8x16x16xf32>) {
  cellrt.call "conv2d" params [1, 1, 0, 0, 0, 0, 1, 1, 1] ins(%x, %w : memref<4x16x16x16xf32>, memref<8x16x1x1xf32>) outs(%y : memref<4x8x16x16xf32>)
  return
}
