// RUN: cell-opt %s -split-input-file --linalg-to-gpu="products=library" | FileCheck %s
// RUN: cell-opt %s -split-input-file --linalg-to-gpu="products=measured" | FileCheck %s --check-prefix=MEASURED
// RUN: cell-opt %s -split-input-file --linalg-to-gpu="products=measured-matmul" | FileCheck %s --check-prefix=MATRICES
// MATRICES-NOT: library_product
// MATRICES: gpu.launch_func @kernels::@conv2d_0
// MATRICES-NOT: library_product

// The record: kind, types, epilogue, scratch memory and alignment, then N C H W O KH KW OH OW and the routine's parameters.

// CHECK-LABEL: func.func @forward
// CHECK: cellrt.call "library_product" params [1, 2, 2, 0, 0, 0, 1048576, 16, 0, 0, 32, 2, 8, 12, 12, 16, 3, 3, 6, 6, 2, 2, 1, 1, 1, 1, 1, 1, 1] ins(%{{.*}}, %{{.*}}, %{{.*}} : memref<2x8x12x12xf32>, memref<16x8x3x3xf32>, memref<1048576xi8>)
// CHECK-NOT: gpu.launch_func
// CHECK: return

// Padding of one row more above than below is no difference where windows do not reach it. Measured, no algorithm may bring NaN elsewhere.
// MEASURED-LABEL: func.func @forward
// MEASURED: llvm.call @cg_gpu_product_next
// MEASURED: cellrt.call "library_product" params [1, 2, 2, 0, 0, 0, 1048576, 16, 1,
// MEASURED: else
// MEASURED: gpu.launch_func @kernels::@conv2d_0
func.func @forward(%x: tensor<2x8x12x12xf32>, %w: tensor<16x8x3x3xf32>) -> tensor<2x16x6x6xf32> {
  %e = tensor.empty() : tensor<2x16x6x6xf32>
  %y = cellrt.call "conv2d" params [2, 2, 1, 0, 1, 0, 1, 1, 1] ins(%x, %w : tensor<2x8x12x12xf32>, tensor<16x8x3x3xf32>) outs(%e : tensor<2x16x6x6xf32>) -> tensor<2x16x6x6xf32>
  return %y : tensor<2x16x6x6xf32>
}

// -----

// CHECK-LABEL: func.func @one_side
// CHECK-NOT: library_product
// CHECK: gpu.launch_func @kernels::@conv2d_0
func.func @one_side(%x: tensor<2x8x12x12xf32>, %w: tensor<16x8x3x3xf32>) -> tensor<2x16x11x11xf32> {
  %e = tensor.empty() : tensor<2x16x11x11xf32>
  %y = cellrt.call "conv2d" params [1, 1, 1, 0, 1, 0, 1, 1, 1] ins(%x, %w : tensor<2x8x12x12xf32>, tensor<16x8x3x3xf32>) outs(%e : tensor<2x16x11x11xf32>) -> tensor<2x16x11x11xf32>
  return %y : tensor<2x16x11x11xf32>
}

// -----

// The gradient of the filter in f16: the library stores what is rounded first; a sum that stays f32 is ours.

// CHECK-LABEL: func.func @halves
// CHECK: cellrt.call "library_product" params [3, 0, 0, 0, 0, 0, 1048576, 16, 0, 0, 16, {{.*}} outs(%{{.*}} : memref<16x8x3x3xf16>)
// CHECK: gpu.launch_func @kernels::@conv2d_dw_mma
#id = affine_map<(a, b, c, d) -> (a, b, c, d)>
func.func @halves(%x: tensor<2x8x12x12xf16>, %dy: tensor<2x16x12x12xf16>) -> (tensor<16x8x3x3xf16>, tensor<16x8x3x3xf32>) {
  %e = tensor.empty() : tensor<16x8x3x3xf32>
  %h = tensor.empty() : tensor<16x8x3x3xf16>
  %dw = cellrt.call "conv2d_dw" params [1, 1, 1, 1, 1, 1, 1, 1, 1] ins(%x, %dy : tensor<2x8x12x12xf16>, tensor<2x16x12x12xf16>) outs(%e : tensor<16x8x3x3xf32>) -> tensor<16x8x3x3xf32>
  %r = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%dw : tensor<16x8x3x3xf32>) outs(%h : tensor<16x8x3x3xf16>) {
  ^bb0(%v: f32, %o: f16):
    %t = arith.truncf %v : f32 to f16
    linalg.yield %t : f16
  } -> tensor<16x8x3x3xf16>
  %f = tensor.empty() : tensor<16x8x3x3xf32>
  %wide = cellrt.call "conv2d_dw" params [1, 1, 1, 1, 1, 1, 1, 1, 1] ins(%x, %dy : tensor<2x8x12x12xf16>, tensor<2x16x12x12xf16>) outs(%f : tensor<16x8x3x3xf32>) -> tensor<16x8x3x3xf32>
  return %r, %wide : tensor<16x8x3x3xf16>, tensor<16x8x3x3xf32>
}

// -----

// A rounded product whose memory is written again later, and one with a gradient of another call in front of its reader: neither stores its sum.

// CHECK-LABEL: func.func @shared_memory
// CHECK: cellrt.call "library_product" params [2, {{.*}} outs(%{{.*}} : memref<2x8x12x12xf16>)
// CHECK: gpu.launch_func @kernels::@ext_mul_0
// CHECK: cellrt.call "library_product" params [1, {{.*}} outs(%{{.*}} : memref<2x8x12x12xf16>)
// CHECK-NOT: gpu.launch_func
// CHECK: return
#id = affine_map<(a, b, c, d) -> (a, b, c, d)>
func.func @shared_memory(%dy: tensor<2x8x12x12xf16>, %x: tensor<2x8x12x12xf16>, %w: tensor<8x8x3x3xf16>) -> (tensor<2x8x12x12xf32>, tensor<8x8x3x3xf16>, tensor<2x8x12x12xf16>) {
  %e = tensor.empty() : tensor<2x8x12x12xf32>
  %g = tensor.empty() : tensor<8x8x3x3xf32>
  %gh = tensor.empty() : tensor<8x8x3x3xf16>
  %h = tensor.empty() : tensor<2x8x12x12xf16>
  %two = arith.constant 2.0 : f32
  %dx = cellrt.call "conv2d_dx" params [1, 1, 1, 1, 1, 1, 1, 1, 1] ins(%dy, %w : tensor<2x8x12x12xf16>, tensor<8x8x3x3xf16>) outs(%e : tensor<2x8x12x12xf32>) -> tensor<2x8x12x12xf32>
  %dw = cellrt.call "conv2d_dw" params [1, 1, 1, 1, 1, 1, 1, 1, 1] ins(%x, %dy : tensor<2x8x12x12xf16>, tensor<2x8x12x12xf16>) outs(%g : tensor<8x8x3x3xf32>) -> tensor<8x8x3x3xf32>
  %dwh = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%dw : tensor<8x8x3x3xf32>) outs(%gh : tensor<8x8x3x3xf16>) {
  ^bb0(%v: f32, %o: f16):
    %t = arith.truncf %v : f32 to f16
    linalg.yield %t : f16
  } -> tensor<8x8x3x3xf16>
  %f = tensor.empty() : tensor<2x8x12x12xf32>
  %r = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%dx : tensor<2x8x12x12xf32>) outs(%f : tensor<2x8x12x12xf32>) {
  ^bb0(%v: f32, %o: f32):
    %t = arith.truncf %v : f32 to f16
    %u = arith.extf %t : f16 to f32
    %m = arith.mulf %u, %two : f32
    linalg.yield %m : f32
  } -> tensor<2x8x12x12xf32>
  %y = cellrt.call "conv2d" params [1, 1, 1, 1, 1, 1, 1, 1, 1] ins(%x, %w : tensor<2x8x12x12xf16>, tensor<8x8x3x3xf16>) outs(%e : tensor<2x8x12x12xf32>) -> tensor<2x8x12x12xf32>
  %yh = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%y : tensor<2x8x12x12xf32>) outs(%h : tensor<2x8x12x12xf16>) {
  ^bb0(%v: f32, %o: f16):
    %t = arith.truncf %v : f32 to f16
    linalg.yield %t : f16
  } -> tensor<2x8x12x12xf16>
  return %r, %dwh, %yh : tensor<2x8x12x12xf32>, tensor<8x8x3x3xf16>, tensor<2x8x12x12xf16>
}

// -----

// What moves the result's elements is a kernel behind the library, which stores them in its own order.

// CHECK-LABEL: func.func @moved
// CHECK: cellrt.call "library_product" params [1, 2, 2, 0, {{.*}} outs(%{{.*}} : memref<2x16x6x8xf32
// CHECK: gpu.launch_func
// CHECK: return
#of = affine_map<(a, b, c, d) -> (a, d, b, c)>
#to = affine_map<(a, b, c, d) -> (a, b, c, d)>
func.func @moved(%x: tensor<2x8x6x8xf32>, %w: tensor<16x8x3x3xf32>) -> tensor<2x6x8x16xf32> {
  %e = tensor.empty() : tensor<2x16x6x8xf32>
  %y = cellrt.call "conv2d" params [1, 1, 1, 1, 1, 1, 1, 1, 1] ins(%x, %w : tensor<2x8x6x8xf32>, tensor<16x8x3x3xf32>) outs(%e : tensor<2x16x6x8xf32>) -> tensor<2x16x6x8xf32>
  %f = tensor.empty() : tensor<2x6x8x16xf32>
  %r = linalg.generic {indexing_maps = [#of, #to], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%y : tensor<2x16x6x8xf32>) outs(%f : tensor<2x6x8x16xf32>) {
  ^bb0(%v: f32, %o: f32):
    linalg.yield %v : f32
  } -> tensor<2x6x8x16xf32>
  return %r : tensor<2x6x8x16xf32>
}
