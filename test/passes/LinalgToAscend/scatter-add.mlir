// Sums of rows where they lie: each core has 8 of the 64 columns and adds the rows in order.
// RUN: cell-opt %s --cell-to-ascend | FileCheck %s

// CHECK: func.func @scatter_add_0({{.*}}ascend.block_dim = 8
// CHECK: ascend.load
// CHECK: scf.for
// CHECK: memref.load %{{.*}} : memref<500xi64, #ascend.space<gm>>
// CHECK: arith.cmpi ult
// CHECK: ascend.store {{.*}} atomic = add
// CHECK-NOT: #ascend.core<aicpu>
func.func @main(%x: tensor<100x64xf32>, %i: tensor<500xi32>, %u: tensor<500x64xf32>) -> tensor<100x64xf32> {
  %0 = cell.scatter_add %x, %i, %u {axis = 0 : i64} : (tensor<100x64xf32>, tensor<500xi32>, tensor<500x64xf32>) -> tensor<100x64xf32>
  return %0 : tensor<100x64xf32>
}
