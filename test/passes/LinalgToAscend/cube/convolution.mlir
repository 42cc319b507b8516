// A convolution is a product with the matrix of its windows, which is made first: by transfers, tap by tap; where windows move by 2,
// every second element is taken. A 1 x 1 convolution reads the image itself.
// RUN: cell-opt %s --linalg-to-ascend-kernels 2>&1 | FileCheck %s

// CHECK-NOT: remark
// CHECK-LABEL: func.func @windows(
// CHECK: %[[MATRIX:.*]] = memref.alloc() : memref<27648xf32>
// CHECK: gpu.launch_func @kernels::@img2col_0 {{.*}} %[[MATRIX]] : memref<27648xf32>
// CHECK: gpu.launch_func @kernels::@conv2d_0 {{.*}} %[[MATRIX]] : memref<27648xf32>
func.func @windows(%x: memref<4x3x16x16xf32>, %w: memref<8x3x3x3xf32>, %y: memref<4x8x16x16xf32>) {
  cellrt.call "conv2d" params [1, 1, 1, 1, 1, 1, 1, 1, 1] ins(%x, %w : memref<4x3x16x16xf32>, memref<8x3x3x3xf32>) outs(%y : memref<4x8x16x16xf32>)
  return
}

// CHECK-LABEL: func.func @steps(
// CHECK: gpu.launch_func @kernels::@img2col_1
// CHECK: gpu.launch_func @kernels::@conv2d_1
func.func @steps(%x: memref<4x3x16x16xf32>, %w: memref<8x3x3x3xf32>, %y: memref<4x8x8x8xf32>) {
  cellrt.call "conv2d" params [2, 2, 1, 1, 1, 1, 1, 1, 1] ins(%x, %w : memref<4x3x16x16xf32>, memref<8x3x3x3xf32>) outs(%y : memref<4x8x8x8xf32>)
  return
}

// CHECK-LABEL: func.func @points(
// CHECK-NOT: memref.alloc()
// CHECK: gpu.launch_func @kernels::@conv2d_2
// CHECK-NOT: gpu.launch_func
// CHECK: return
func.func @points(%x: memref<4x16x16x16xf32>, %w: memref<8x16x1x1xf32>, %y: memref<4x8x16x16xf32>) {
  cellrt.call "conv2d" params [1, 1, 0, 0, 0, 0, 1, 1, 1] ins(%x, %w : memref<4x16x16x16xf32>, memref<8x16x1x1xf32>) outs(%y : memref<4x8x16x16xf32>)
  return
}

// The first plane of the first tap has no row above the image and no column before it.
// CHECK: func.func @img2col_0(
// CHECK-SAME: ascend.core = #ascend.core<aiv>
// CHECK: ascend.vbrc
// CHECK: scf.for
// CHECK: ascend.load ins(%{{.*}} : memref<15x15xf32, strided<[16, 1], offset: ?>
// CHECK: ascend.store {{.*}} outs(%{{.*}} : memref<15x15xf32, strided<[16, 1], offset: ?>
// CHECK: ascend.store {{.*}} outs(%{{.*}} : memref<1x16xf32
// CHECK: ascend.store {{.*}} outs(%{{.*}} : memref<15x1xf32

// CHECK: func.func @img2col_1(
// CHECK: ascend.varange
// CHECK: scf.for
// CHECK: ascend.load ins(%{{.*}} : memref<7x13xf32, strided<[32, 1], offset: ?>
// CHECK: ascend.vgather
// CHECK: ascend.store {{.*}} outs(%{{.*}} : memref<7x7xf32, strided<[8, 1], offset: ?>
