// Lanes may reduce a selection only if it comes to the same in every order: a maximum whose NaN wins does; one whose NaN gives way to what follows it, and the first
// of equal ones without a comparison of positions, do not.
// RUN: cell-opt %s --split-input-file --linalg-to-gpu-kernels --verify-diagnostics | FileCheck %s

#in = affine_map<(d0) -> (d0)>
#out = affine_map<(d0) -> ()>
// CHECK-LABEL: func.func @nan_wins(
// CHECK: gpu.func @reduce_rows_cmp
func.func @nan_wins(%x: memref<4096xf32>, %r: memref<f32>) {
  linalg.generic {indexing_maps = [#in, #out], iterator_types = ["reduction"]} ins(%x : memref<4096xf32>) outs(%r : memref<f32>) {
  ^bb0(%a: f32, %o: f32):
    %g = arith.cmpf ogt, %o, %a : f32
    %n = arith.cmpf uno, %o, %o : f32
    %k = arith.ori %g, %n : i1
    %s = arith.select %k, %o, %a : f32
    linalg.yield %s : f32
  }
  return
}

// -----

#in = affine_map<(d0) -> (d0)>
#out = affine_map<(d0) -> ()>
// CHECK-LABEL: func.func @nan_gives_way(
// CHECK: gpu.func @reduce_each_cmp
func.func @nan_gives_way(%x: memref<4096xf32>, %r: memref<f32>) {
  // expected-remark@+1 {{depend on the order of its 4096 steps, so one thread takes them}}
  linalg.generic {indexing_maps = [#in, #out], iterator_types = ["reduction"]} ins(%x : memref<4096xf32>) outs(%r : memref<f32>) {
  ^bb0(%a: f32, %o: f32):
    %g = arith.cmpf ogt, %o, %a : f32
    %s = arith.select %g, %o, %a : f32
    linalg.yield %s : f32
  }
  return
}

// -----

#in = affine_map<(d0) -> (d0)>
#out = affine_map<(d0) -> ()>
// CHECK-LABEL: func.func @bounded(
// CHECK: gpu.func @reduce_each_cmp
func.func @bounded(%x: memref<4096xf32>, %r: memref<f32>) {
  // expected-remark@+1 {{depend on the order of its 4096 steps, so one thread takes them}}
  linalg.generic {indexing_maps = [#in, #out], iterator_types = ["reduction"]} ins(%x : memref<4096xf32>) outs(%r : memref<f32>) {
  ^bb0(%a: f32, %o: f32):
    %c = arith.constant 2.5 : f32
    %g = arith.cmpf olt, %a, %c : f32
    %s = arith.select %g, %a, %o : f32
    linalg.yield %s : f32
  }
  return
}

// -----

#in = affine_map<(d0) -> (d0)>
#out = affine_map<(d0) -> ()>
// CHECK-LABEL: func.func @position_of_ties(
// CHECK: gpu.func @reduce_rows_cmp
func.func @position_of_ties(%x: memref<4096xi32>, %r: memref<i32>, %at: memref<i64>) {
  linalg.generic {indexing_maps = [#in, #out, #out], iterator_types = ["reduction"]} ins(%x : memref<4096xi32>) outs(%r, %at : memref<i32>, memref<i64>) {
  ^bb0(%a: i32, %o: i32, %p: i64):
    %i = linalg.index 0 : index
    %j = arith.index_cast %i : index to i64
    %g = arith.cmpi sgt, %a, %o : i32
    %e = arith.cmpi eq, %a, %o : i32
    %f = arith.cmpi slt, %j, %p : i64
    %h = arith.andi %e, %f : i1
    %w = arith.ori %g, %h : i1
    %s = arith.select %w, %a, %o : i32
    %t = arith.select %w, %j, %p : i64
    linalg.yield %s, %t : i32, i64
  }
  return
}

// -----

#in = affine_map<(d0) -> (d0)>
#out = affine_map<(d0) -> ()>
// CHECK-LABEL: func.func @first_of_ties(
// CHECK: gpu.func @reduce_each_cmp
func.func @first_of_ties(%x: memref<4096xi32>, %r: memref<i32>, %at: memref<i64>) {
  // expected-remark@+1 {{depend on the order of its 4096 steps}}
  linalg.generic {indexing_maps = [#in, #out, #out], iterator_types = ["reduction"]} ins(%x : memref<4096xi32>) outs(%r, %at : memref<i32>, memref<i64>) {
  ^bb0(%a: i32, %o: i32, %p: i64):
    %i = linalg.index 0 : index
    %j = arith.index_cast %i : index to i64
    %w = arith.cmpi sgt, %a, %o : i32
    %s = arith.select %w, %a, %o : i32
    %t = arith.select %w, %j, %p : i64
    linalg.yield %s, %t : i32, i64
  }
  return
}
