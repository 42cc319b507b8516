// The counter is a scalar. The sum, which comes from a tensor, stays in memory of the device, where the whole loop runs: nothing is read back.
// RUN: cell-opt %s --pass-pipeline='builtin.module(linalg-to-gpu)' | FileCheck %s

// CHECK-LABEL: func.func @main(
// CHECK-NOT: memref.load
// CHECK: gpu.launch_func @kernels::@small_loop_0
// CHECK-NOT: memref.load
// CHECK: gpu.func @small_loop_0
// CHECK: scf.while (%[[I:.*]] = %{{.*}}) : (i32) -> i32
// CHECK: arith.sitofp %[[I]] : i32 to f32
// CHECK: scf.condition
// CHECK: arith.addi %{{.*}}, %{{.*}} : i32
// CHECK: memref.store {{.*}} : memref<1xf32>
#none = affine_map<() -> ()>
func.func @main(%x: tensor<f32>) -> tensor<f32> {
  %zero = arith.constant dense<0> : tensor<i32>
  %r:2 = scf.while (%i = %zero, %v = %x) : (tensor<i32>, tensor<f32>) -> (tensor<i32>, tensor<f32>) {
    %e = tensor.empty() : tensor<i1>
    %c = linalg.generic {indexing_maps = [#none, #none, #none], iterator_types = []} ins(%v, %i : tensor<f32>, tensor<i32>) outs(%e : tensor<i1>) {
    ^bb0(%a: f32, %n: i32, %o: i1):
      %limit = arith.sitofp %n : i32 to f32
      %0 = arith.cmpf ogt, %a, %limit : f32
      linalg.yield %0 : i1
    } -> tensor<i1>
    %flag = tensor.extract %c[] : tensor<i1>
    scf.condition(%flag) %i, %v : tensor<i32>, tensor<f32>
  } do {
  ^bb0(%i: tensor<i32>, %v: tensor<f32>):
    %ei = tensor.empty() : tensor<i32>
    %j = linalg.generic {indexing_maps = [#none, #none], iterator_types = []} ins(%i : tensor<i32>) outs(%ei : tensor<i32>) {
    ^bb0(%a: i32, %o: i32):
      %one = arith.constant 1 : i32
      %0 = arith.addi %a, %one : i32
      linalg.yield %0 : i32
    } -> tensor<i32>
    %ev = tensor.empty() : tensor<f32>
    %w = linalg.generic {indexing_maps = [#none, #none], iterator_types = []} ins(%v : tensor<f32>) outs(%ev : tensor<f32>) {
    ^bb0(%a: f32, %o: f32):
      %half = arith.constant 0.5 : f32
      %0 = arith.mulf %a, %half : f32
      linalg.yield %0 : f32
    } -> tensor<f32>
    scf.yield %j, %w : tensor<i32>, tensor<f32>
  }
  return %r#1 : tensor<f32>
}
