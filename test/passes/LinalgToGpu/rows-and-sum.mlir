// A sum of everything that reads what rows have in registers: each row's part of it is had there, so that the kernel reads %x and %w once and stores %r alone.
// RUN: cell-opt %s --pass-pipeline='builtin.module(linalg-to-gpu)' | FileCheck %s

// CHECK-LABEL: func.func @main
// CHECK: gpu.launch_func @kernels::@rows_exp_div_0 {{.*}} args(%arg0 : {{.*}}, %arg1 : {{.*}}, %arg2 : {{.*}}, %[[SUMS:.*]] : memref<64xf32>)
// CHECK: gpu.launch_func @kernels::@reduce_rows_add_0 {{.*}} args(%[[SUMS]] : memref<64xf32>, %arg3 : memref<f32>)
// CHECK-NOT: gpu.launch_func
// CHECK: gpu.func @rows_exp_div_0
// CHECK-COUNT-2: vector.load
// CHECK-NOT: vector.load
// CHECK: gpu.func @reduce_rows_add_0
#full = affine_map<(d0, d1) -> (d0, d1)>
#rows = affine_map<(d0, d1) -> (d0)>
#none = affine_map<(d0, d1) -> ()>
func.func @main(%x: tensor<64x128xf32>, %w: tensor<64x128xf32>) -> (tensor<64x128xf32>, tensor<f32>) {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<64xf32>
  %v = tensor.empty() : tensor<64x128xf32>
  %u = tensor.empty() : tensor<f32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<64xf32>) -> tensor<64xf32>
  %s = linalg.generic {indexing_maps = [#full, #rows], iterator_types = ["parallel", "reduction"]} ins(%x : tensor<64x128xf32>) outs(%z : tensor<64xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = math.exp %a : f32
    %1 = arith.addf %o, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<64xf32>
  %r = linalg.generic {indexing_maps = [#full, #rows, #full], iterator_types = ["parallel", "parallel"]} ins(%x, %s : tensor<64x128xf32>, tensor<64xf32>) outs(%v : tensor<64x128xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %0 = arith.divf %a, %b : f32
    linalg.yield %0 : f32
  } -> tensor<64x128xf32>
  %y = linalg.fill ins(%zero : f32) outs(%u : tensor<f32>) -> tensor<f32>
  %t = linalg.generic {indexing_maps = [#full, #full, #none], iterator_types = ["reduction", "reduction"]} ins(%r, %w : tensor<64x128xf32>, tensor<64x128xf32>) outs(%y : tensor<f32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %o, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<f32>
  return %r, %t : tensor<64x128xf32>, tensor<f32>
}
