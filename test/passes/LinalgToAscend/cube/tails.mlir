// Sizes that are no multiples of a fractal: transfers read what there is, buffers are whole fractals, and the way out is cropped.
// RUN: cell-opt %s --linalg-to-ascend-kernels | FileCheck %s

// CHECK: func.func @matmul_0(
// CHECK: arith.minsi
// CHECK: %[[ROWS:.*]] = arith.minsi
// CHECK: %[[FRACTALS:.*]] = arith.ceildivui %[[ROWS]], %c16
// CHECK: %[[SUMS:.*]] = memref.subview %{{.*}}[0, 0, 0, 0] [{{.*}}%[[FRACTALS]], 16, 16] {{.*}} #ascend.space<l0c>>
// 13 = 8 + 5 elements of the sum: two fractals of 8 columns, one of 16 rows.
// CHECK: memref.alloc() : memref<2x{{[0-9]+}}x16x8xf32, #ascend.space<l1>>
// CHECK: ascend.nd2nz ins(%{{.*}} : memref<?x13xf32, strided<[13, 1], offset: ?>
// CHECK: memref.alloc() : memref<{{[0-9]+}}x1x16x8xf32, #ascend.space<l1>>
// CHECK: ascend.nd2nz ins(%{{.*}} : memref<13x{{.*}}xf32, strided<[33, 1], offset: ?>
// CHECK: ascend.mmad_l1
// CHECK: memref.reinterpret_cast %{{.*}} sizes: [%[[ROWS]], {{.*}}], strides: [33, 1]
// CHECK: ascend.fixpipe ins(%[[SUMS]]
func.func @main(%a: memref<129x13xf32>, %b: memref<13x33xf32>, %c: memref<129x33xf32>) {
  %z = arith.constant 0.0 : f32
  linalg.fill ins(%z : f32) outs(%c : memref<129x33xf32>)
  linalg.matmul ins(%a, %b : memref<129x13xf32>, memref<13x33xf32>) outs(%c : memref<129x33xf32>)
  return
}
