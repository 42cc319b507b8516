// Channels of images are rows in as many pieces as there are images: sum and difference are one kernel. Small channels stay in registers; of large ones a block
// goes over its channel twice, and a value per row is there before the loop that needs it.
// RUN: cell-opt %s --split-input-file --linalg-to-gpu-kernels | FileCheck %s

#full = affine_map<(n, c, i) -> (n, c, i)>
#rows = affine_map<(n, c, i) -> (c)>

// CHECK-LABEL: func.func @small(
// CHECK: gpu.launch_func @kernels::@rows_add_sub_0
// CHECK-NOT: gpu.launch_func
// CHECK: gpu.func @rows_add_sub_0(
// CHECK-COUNT-1: vector.load
// CHECK-NOT: vector.load
// CHECK-NOT: scf.for
// CHECK: gpu.return
func.func @small(%x: memref<8x64x16xf32>, %y: memref<8x64x16xf32>) {
  %zero = arith.constant 0.0 : f32
  %s = memref.alloc() : memref<64xf32>
  linalg.fill ins(%zero : f32) outs(%s : memref<64xf32>)
  linalg.generic {indexing_maps = [#full, #rows], iterator_types = ["reduction", "parallel", "reduction"]} ins(%x : memref<8x64x16xf32>) outs(%s : memref<64xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = arith.addf %o, %a : f32
    linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [#full, #rows, #full], iterator_types = ["parallel", "parallel", "parallel"]} ins(%x, %s : memref<8x64x16xf32>, memref<64xf32>) outs(%y : memref<8x64x16xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %0 = arith.subf %a, %b : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

#full = affine_map<(n, c, i) -> (n, c, i)>
#rows = affine_map<(n, c, i) -> (c)>

// CHECK-LABEL: func.func @large(
// CHECK: gpu.launch_func @kernels::@rows_add_sub_0 blocks in (%c64{{.*}}, {{.*}} threads in (%c1024
// CHECK-NOT: gpu.launch_func
// CHECK: gpu.func @rows_add_sub_0(
// CHECK: scf.for
// CHECK: vector.load
// CHECK: scf.yield
// CHECK: gpu.barrier
// CHECK: scf.for
// CHECK: vector.load
// CHECK: vector.store
// CHECK: gpu.return
func.func @large(%x: memref<32x64x1024xf32>, %y: memref<32x64x1024xf32>) {
  %zero = arith.constant 0.0 : f32
  %s = memref.alloc() : memref<64xf32>
  linalg.fill ins(%zero : f32) outs(%s : memref<64xf32>)
  linalg.generic {indexing_maps = [#full, #rows], iterator_types = ["reduction", "parallel", "reduction"]} ins(%x : memref<32x64x1024xf32>) outs(%s : memref<64xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = arith.addf %o, %a : f32
    linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [#full, #rows, #full], iterator_types = ["parallel", "parallel", "parallel"]} ins(%x, %s : memref<32x64x1024xf32>, memref<64xf32>) outs(%y : memref<32x64x1024xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %0 = arith.subf %a, %b : f32
    linalg.yield %0 : f32
  }
  return
}
