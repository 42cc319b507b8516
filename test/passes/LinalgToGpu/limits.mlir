// What would be more than a block or a grid of a GPU holds.
// RUN: cell-opt %s --split-input-file --linalg-to-gpu-kernels --verify-diagnostics | FileCheck %s

// Eight sums in f64 of a column each: a block of 1024 threads would need 64 KiB.
// CHECK-LABEL: func.func @wide_columns(
// CHECK: gpu.func @reduce_columns_add_0
// CHECK-SAME: known_block_size = array<i32: 32, 16, 1>
#full = affine_map<(d0, d1) -> (d0, d1)>
#columns = affine_map<(d0, d1) -> (d1)>
func.func @wide_columns(%x: memref<8192x32xf64>, %r0: memref<32xf64>, %r1: memref<32xf64>, %r2: memref<32xf64>, %r3: memref<32xf64>, %r4: memref<32xf64>, %r5: memref<32xf64>, %r6: memref<32xf64>, %r7: memref<32xf64>) {
  linalg.generic {indexing_maps = [#full, #columns, #columns, #columns, #columns, #columns, #columns, #columns, #columns], iterator_types = ["reduction", "parallel"]}
      ins(%x : memref<8192x32xf64>) outs(%r0, %r1, %r2, %r3, %r4, %r5, %r6, %r7 : memref<32xf64>, memref<32xf64>, memref<32xf64>, memref<32xf64>, memref<32xf64>, memref<32xf64>, memref<32xf64>, memref<32xf64>) {
  ^bb0(%a: f64, %o0: f64, %o1: f64, %o2: f64, %o3: f64, %o4: f64, %o5: f64, %o6: f64, %o7: f64):
    %s0 = arith.addf %o0, %a : f64
    %s1 = arith.addf %o1, %a : f64
    %s2 = arith.addf %o2, %a : f64
    %s3 = arith.addf %o3, %a : f64
    %s4 = arith.addf %o4, %a : f64
    %s5 = arith.addf %o5, %a : f64
    %s6 = arith.addf %o6, %a : f64
    %s7 = arith.addf %o7, %a : f64
    linalg.yield %s0, %s1, %s2, %s3, %s4, %s5, %s6, %s7 : f64, f64, f64, f64, f64, f64, f64, f64
  }
  return
}

// -----

#full = affine_map<(d0, d1) -> (d0, d1)>
#rows = affine_map<(d0, d1) -> (d0)>
func.func @grid(%x: memref<4294967296x16384xi8>, %r: memref<4294967296xi8>) {
  // expected-error@+1 {{stage linalg-to-gpu-kernels: the kernel 'reduce_rows_add_0' would need a grid of 4294967296 x 1 x 1 blocks, more than a GPU takes; cut the tensors into parts, or use device_target="CPU"}}
  linalg.generic {indexing_maps = [#full, #rows], iterator_types = ["parallel", "reduction"]} ins(%x : memref<4294967296x16384xi8>) outs(%r : memref<4294967296xi8>) {
  ^bb0(%a: i8, %o: i8):
    %0 = arith.addi %o, %a : i8
    linalg.yield %0 : i8
  }
  return
}
