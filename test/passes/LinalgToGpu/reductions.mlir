// The forms of reductions: rows by lanes of a warp, rows by a block, columns by a tile, few and long in pieces that are joined in order.
// RUN: cell-opt %s --split-input-file --linalg-to-gpu-kernels | FileCheck %s

// CHECK-LABEL: func.func @short_rows(
// CHECK-COUNT-1: gpu.launch_func
// CHECK: gpu.func @reduce_rows_add_0
// CHECK-SAME: known_block_size = array<i32: 256, 1, 1>, known_grid_size = array<i32: 625, 1, 1>
// CHECK: vector.load {{.*}} vector<4xf32>
// CHECK-COUNT-4: gpu.shuffle xor
// CHECK-NOT: gpu.shuffle
// CHECK-NOT: gpu.barrier
#full = affine_map<(d0, d1) -> (d0, d1)>
#rows = affine_map<(d0, d1) -> (d0)>
func.func @short_rows(%x: memref<10000x128xf32>, %r: memref<10000xf32>) {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%r : memref<10000xf32>)
  linalg.generic {indexing_maps = [#full, #rows], iterator_types = ["parallel", "reduction"]} ins(%x : memref<10000x128xf32>) outs(%r : memref<10000xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = arith.addf %o, %a : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

// CHECK-LABEL: func.func @long_rows(
// CHECK-COUNT-1: gpu.launch_func
// CHECK: gpu.func @reduce_rows_add_0
// CHECK-SAME: workgroup({{.*}} : memref<32xf32, #gpu.address_space<workgroup>>)
// CHECK-SAME: known_block_size = array<i32: 512, 1, 1>, known_grid_size = array<i32: 200, 1, 1>
// CHECK: gpu.barrier
#full = affine_map<(d0, d1) -> (d0, d1)>
#rows = affine_map<(d0, d1) -> (d0)>
func.func @long_rows(%x: memref<200x4096xf32>, %r: memref<200xf32>) {
  linalg.generic {indexing_maps = [#full, #rows], iterator_types = ["parallel", "reduction"]} ins(%x : memref<200x4096xf32>) outs(%r : memref<200xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = arith.addf %o, %a : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

// CHECK-LABEL: func.func @columns(
// CHECK: %[[partial:.*]] = memref.alloc() : memref<555xf32>
// CHECK: gpu.launch_func @kernels::@reduce_columns_maximum_0
// CHECK-SAME: args(%{{.*}} : memref<1000x37xf32>, %[[partial]] : memref<555xf32>)
// CHECK: gpu.launch_func @kernels::@reduce_join_maximum_0
// CHECK: gpu.func @reduce_columns_maximum_0
// CHECK-SAME: known_block_size = array<i32: 32, 8, 1>, known_grid_size = array<i32: 2, 15, 1>
// CHECK: gpu.barrier
// CHECK: gpu.func @reduce_join_maximum_0
#full = affine_map<(d0, d1) -> (d0, d1)>
#columns = affine_map<(d0, d1) -> (d1)>
func.func @columns(%x: memref<1000x37xf32>, %r: memref<37xf32>) {
  linalg.generic {indexing_maps = [#full, #columns], iterator_types = ["reduction", "parallel"]} ins(%x : memref<1000x37xf32>) outs(%r : memref<37xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = arith.maximumf %o, %a : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

// Two dimensions, two kernels: neither result can be had in the order of the other.
// CHECK-LABEL: func.func @both(
// CHECK-COUNT-2: gpu.launch_func
// CHECK-DAG: gpu.func @reduce_rows_add_0
// CHECK-DAG: gpu.func @reduce_columns_add_0
#full = affine_map<(d0, d1) -> (d0, d1)>
#rows = affine_map<(d0, d1) -> (d0)>
#columns = affine_map<(d0, d1) -> (d1)>
func.func @both(%x: memref<64x64xf32>, %r: memref<64xf32>, %s: memref<64xf32>) {
  linalg.generic {indexing_maps = [#full, #rows, #columns], iterator_types = ["reduction", "reduction"]} ins(%x : memref<64x64xf32>) outs(%r, %s : memref<64xf32>, memref<64xf32>) {
  ^bb0(%a: f32, %o: f32, %p: f32):
    %0 = arith.addf %o, %a : f32
    %1 = arith.addf %p, %a : f32
    linalg.yield %0, %1 : f32, f32
  }
  return
}

// -----

// What is not known to be associative stays in order, one thread per result.
// CHECK-LABEL: func.func @ordered(
// CHECK: gpu.func @reduce_each_mul_add_0
// CHECK: scf.for
// CHECK-NOT: gpu.shuffle
#full = affine_map<(d0, d1) -> (d0, d1)>
#rows = affine_map<(d0, d1) -> (d0)>
func.func @ordered(%x: memref<8x64xf32>, %r: memref<8xf32>) {
  linalg.generic {indexing_maps = [#full, #rows], iterator_types = ["parallel", "reduction"]} ins(%x : memref<8x64xf32>) outs(%r : memref<8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = arith.mulf %o, %a : f32
    %1 = arith.addf %0, %a : f32
    linalg.yield %1 : f32
  }
  return
}
