// A group is one kernel of the vector cores: rows of a broadcast once per tile, buffers used again, one transfer in and one out.
// RUN: cell-opt %s --pass-pipeline='builtin.module(normalize-linalg,fuse-linalg,results-to-arguments,bufferize-tensors,linalg-to-ascend-kernels)' | FileCheck %s

// CHECK: func.func @mul_exp_0(%[[A:.*]]: memref<64x128xf32, #ascend.space<gm>> {llvm.noalias, llvm.readonly}
// CHECK-SAME: ascend.block_dim = 32 : i64, ascend.core = #ascend.core<aiv>, gpu.kernel
// CHECK-NOT: scf.for
// CHECK: %[[X:.*]] = memref.alloc() : memref<2x128xf32, #ascend.space<ub>>
// CHECK: ascend.load ins(%{{.*}} : memref<2x128xf32, strided<[128, 1], offset: ?>, #ascend.space<gm>>) outs(%[[X]]
// CHECK: %[[Y:.*]] = memref.alloc() : memref<1x128xf32, #ascend.space<ub>>
// CHECK: ascend.load ins(%{{.*}}) outs(%[[Y]]
// CHECK: ascend.vbin <mul> ins(%[[X]], %[[Y]] : {{.*}}) outs(%[[Z:.*]] : memref<2x128xf32, #ascend.space<ub>>)
// CHECK: ascend.vun <exp> ins(%[[Z]] : {{.*}}) outs(%[[Z]] :
// CHECK: ascend.store ins(%[[Z]] :
#full = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d1)>
func.func @main(%a: tensor<64x128xf32>, %b: tensor<128xf32>) -> tensor<64x128xf32> {
  %e = tensor.empty() : tensor<64x128xf32>
  %m = linalg.generic {indexing_maps = [#full, #row, #full], iterator_types = ["parallel", "parallel"]} ins(%a, %b : tensor<64x128xf32>, tensor<128xf32>) outs(%e : tensor<64x128xf32>) {
  ^bb0(%x: f32, %y: f32, %o: f32):
    %0 = arith.mulf %x, %y : f32
    %1 = math.exp %0 : f32
    linalg.yield %1 : f32
  } -> tensor<64x128xf32>
  return %m : tensor<64x128xf32>
}
