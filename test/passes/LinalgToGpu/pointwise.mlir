// A chain with a broadcast is one kernel: 16 bytes per thread, the row of the broadcast from the same place for all.
// RUN: cell-opt %s --pass-pipeline='builtin.module(linalg-to-gpu)' | FileCheck %s

// CHECK-LABEL: func.func @main(
// CHECK-COUNT-1: gpu.launch_func @kernels::@mul_tanh_0
// CHECK-NOT: gpu.launch_func

// CHECK: gpu.func @mul_tanh_0(
// CHECK-SAME: memref<64x128xf32> {llvm.noalias, llvm.readonly}
// CHECK-SAME: memref<128xf32> {llvm.noalias, llvm.readonly}
// CHECK-SAME: memref<64x128xf32> {llvm.noalias}
// CHECK-SAME: known_block_size = array<i32: 32, 1, 1>, known_grid_size = array<i32: 64, 1, 1>
// CHECK-DAG: vector.load %{{.*}} {alignment = 16 : i64} : memref<8192xf32>, vector<4xf32>
// CHECK-DAG: vector.load %{{.*}} {alignment = 16 : i64} : memref<128xf32>, vector<4xf32>
// CHECK: arith.mulf {{.*}} : vector<4xf32>
// CHECK: math.tanh {{.*}} : vector<4xf32>
// CHECK: vector.store {{.*}} {alignment = 16 : i64}
#full = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d1)>
func.func @main(%a: tensor<64x128xf32>, %b: tensor<128xf32>) -> tensor<64x128xf32> {
  %e = tensor.empty() : tensor<64x128xf32>
  %m = linalg.generic {indexing_maps = [#full, #row, #full], iterator_types = ["parallel", "parallel"]} ins(%a, %b : tensor<64x128xf32>, tensor<128xf32>) outs(%e : tensor<64x128xf32>) {
  ^bb0(%x: f32, %y: f32, %o: f32):
    %0 = arith.mulf %x, %y : f32
    linalg.yield %0 : f32
  } -> tensor<64x128xf32>
  %f = tensor.empty() : tensor<64x128xf32>
  %r = linalg.generic {indexing_maps = [#full, #full], iterator_types = ["parallel", "parallel"]} ins(%m : tensor<64x128xf32>) outs(%f : tensor<64x128xf32>) {
  ^bb0(%x: f32, %o: f32):
    %0 = math.tanh %x : f32
    linalg.yield %0 : f32
  } -> tensor<64x128xf32>
  return %r : tensor<64x128xf32>
}
