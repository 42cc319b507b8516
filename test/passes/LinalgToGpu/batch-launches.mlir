// Kernels that nothing between them depends on are one launch, in the place of the last: each has blocks of its own.
// RUN: cell-opt %s --split-input-file --linalg-to-gpu-kernels --batch-launches --cse | FileCheck %s

// 4000 elements are 1000 threads of 4 in blocks of 32; 16 elements are one block of them, and the same scalar is one argument.
// CHECK-LABEL: func.func @updates(
// CHECK-SAME: %[[A:.*]]: memref<4000xf32>, %[[B:.*]]: memref<16xf32>, %[[S:.*]]: memref<f32>
// CHECK-DAG: %[[BLOCKS:.*]] = arith.constant 33 : index
// CHECK-DAG: %[[THREADS:.*]] = arith.constant 32 : index
// CHECK: gpu.launch_func @kernels::@batch_mul_0 blocks in (%[[BLOCKS]], {{.*}} threads in (%[[THREADS]], {{.*}} args(%[[S]] : memref<f32>, %[[A]] : memref<4000xf32>, %[[B]] : memref<16xf32>)
// CHECK-NOT: gpu.launch_func
// CHECK: gpu.func @batch_mul_0(%{{.*}}: memref<f32> {llvm.noalias, llvm.readonly}, %{{.*}}: memref<4000xf32> {llvm.noalias}, %{{.*}}: memref<16xf32> {llvm.noalias}) kernel
// CHECK-SAME: known_block_size = array<i32: 32, 1, 1>, known_grid_size = array<i32: 33, 1, 1>
// CHECK: %[[BLOCK:.*]] = gpu.block_id x
// CHECK: %[[FIRST:.*]] = arith.cmpi slt, %[[BLOCK]], %{{.*}} : index
// CHECK: scf.if %[[FIRST]] {
// CHECK: } else {
// CHECK: vector.store {{.*}} memref<16xf32>
func.func @updates(%a: memref<4000xf32>, %b: memref<16xf32>, %s: memref<f32>) {
  linalg.generic {indexing_maps = [affine_map<(d) -> ()>, affine_map<(d) -> (d)>], iterator_types = ["parallel"]} ins(%s : memref<f32>) outs(%a : memref<4000xf32>) {
  ^bb0(%x: f32, %y: f32):
    %0 = arith.mulf %x, %y : f32
    linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [affine_map<(d) -> ()>, affine_map<(d) -> (d)>], iterator_types = ["parallel"]} ins(%s : memref<f32>) outs(%b : memref<16xf32>) {
  ^bb0(%x: f32, %y: f32):
    %0 = arith.mulf %x, %y : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

// One waits for the other.
// CHECK-LABEL: func.func @chain(
// CHECK: gpu.launch_func @kernels::@copy_1
// CHECK: gpu.launch_func @kernels::@copy_0
func.func @chain(%a: memref<8x2xf32>, %b: memref<2x8xf32>, %c: memref<8x2xf32>) {
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j, i)>], iterator_types = ["parallel", "parallel"]} ins(%a : memref<8x2xf32>) outs(%b : memref<2x8xf32>) {
  ^bb0(%x: f32, %y: f32):
    linalg.yield %x : f32
  }
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (j, i)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]} ins(%b : memref<2x8xf32>) outs(%c : memref<8x2xf32>) {
  ^bb0(%x: f32, %y: f32):
    linalg.yield %x : f32
  }
  return
}

// -----

// Where the assertion fails, what is in front of it has happened and what is behind it has not.
// CHECK-LABEL: func.func @assertion(
// CHECK: gpu.launch_func @kernels::@fill_1
// CHECK: cf.assert
// CHECK: gpu.launch_func @kernels::@fill_0
func.func @assertion(%a: memref<8xf32>, %b: memref<8xf32>, %ok: i1) {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%a : memref<8xf32>)
  cf.assert %ok, "no"
  linalg.fill ins(%zero : f32) outs(%b : memref<8xf32>)
  return
}

// -----

// Large scratch memory does not live longer for it: only the two launches in a row are one.
// CHECK-LABEL: func.func @large(
// CHECK: gpu.launch_func @kernels::@batch_copy_0
// CHECK: memref.copy
// CHECK: gpu.launch_func @kernels::@copy_
func.func @large(%a: memref<40000xf32>, %b: memref<40000xf32>, %c: memref<40000xf32>, %d: memref<40000xf32>, %e: memref<40000xf32>) {
  %t = memref.alloc() : memref<40000xf32>
  memref.copy %e, %t : memref<40000xf32> to memref<40000xf32>
  linalg.copy ins(%t : memref<40000xf32>) outs(%a : memref<40000xf32>)
  linalg.copy ins(%t : memref<40000xf32>) outs(%b : memref<40000xf32>)
  memref.copy %e, %d : memref<40000xf32> to memref<40000xf32>
  linalg.copy ins(%t : memref<40000xf32>) outs(%c : memref<40000xf32>)
  return
}

// -----

// The loop that chooses between a library and kernels is no barrier for launches that have nothing to do with it.
// CHECK-LABEL: func.func @beside_a_choice(
// CHECK: scf.while
// CHECK-NOT: gpu.launch_func @kernels::@fill
// CHECK: gpu.launch_func @kernels::@batch_fill_0
llvm.func @cg_gpu_product_next(!llvm.ptr, i64) -> i64
llvm.mlir.global internal constant @record(dense<0> : tensor<2xi64>) : !llvm.array<2 x i64>
func.func @beside_a_choice(%a: memref<8xf32>, %b: memref<8xf32>) {
  %zero = arith.constant 0.0 : f32
  %none = arith.constant 0 : i64
  %record = llvm.mlir.addressof @record : !llvm.ptr
  linalg.fill ins(%zero : f32) outs(%a : memref<8xf32>)
  %way = scf.while (%previous = %none) : (i64) -> i64 {
    %next = llvm.call @cg_gpu_product_next(%record, %previous) : (!llvm.ptr, i64) -> i64
    %goes = arith.cmpi ne, %next, %none : i64
    scf.condition(%goes) %next : i64
  } do {
  ^bb0(%now: i64):
    scf.yield %now : i64
  }
  linalg.fill ins(%zero : f32) outs(%b : memref<8xf32>)
  return
}
