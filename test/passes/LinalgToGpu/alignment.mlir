// Rows of 33 elements do not start at multiples of 16 bytes; a part that starts at the fourth element does.
// RUN: cell-opt %s --linalg-to-gpu-kernels | FileCheck %s

// CHECK: gpu.func @exp_0(
// CHECK-NOT: vector.load
// CHECK: gpu.func @exp_1(
// CHECK: vector.load {{.*}} {alignment = 16 : i64} : memref<60xf32>, vector<4xf32>
// CHECK: gpu.func @exp_2(
// CHECK: vector.load {{.*}} {alignment = 8 : i64}
#map = affine_map<(d0, d1) -> (d0, d1)>
#line = affine_map<(d0) -> (d0)>
func.func @main(%a: memref<64xf32>, %b: memref<60xf32>, %c: memref<2x62xf32>, %d: memref<8x33xf32>, %e: memref<8x32xf32>) {
  %third = memref.subview %d[0, 0] [8, 32] [1, 1] : memref<8x33xf32> to memref<8x32xf32, strided<[33, 1]>>
  %second = memref.subview %a[2] [62] [1] : memref<64xf32> to memref<62xf32, strided<[1], offset: 2>>
  %first = memref.subview %a[4] [60] [1] : memref<64xf32> to memref<60xf32, strided<[1], offset: 4>>
  %row = memref.subview %c[0, 0] [1, 62] [1, 1] : memref<2x62xf32> to memref<62xf32>
  linalg.generic {indexing_maps = [#line, #line], iterator_types = ["parallel"]} ins(%second : memref<62xf32, strided<[1], offset: 2>>) outs(%row : memref<62xf32>) {
  ^bb0(%x: f32, %o: f32):
    %0 = math.exp %x : f32
    linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [#line, #line], iterator_types = ["parallel"]} ins(%first : memref<60xf32, strided<[1], offset: 4>>) outs(%b : memref<60xf32>) {
  ^bb0(%x: f32, %o: f32):
    %0 = math.exp %x : f32
    linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"]} ins(%third : memref<8x32xf32, strided<[33, 1]>>) outs(%e : memref<8x32xf32>) {
  ^bb0(%x: f32, %o: f32):
    %0 = math.exp %x : f32
    linalg.yield %0 : f32
  }
  return
}
