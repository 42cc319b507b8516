// Rows found by an index: the scalar unit reads it and says where the row begins; one transfer each, of no elements where the index is out of range.
// RUN: cell-opt %s --cell-to-ascend | FileCheck %s

// CHECK: func.func @gather_0(
// CHECK: ascend.vbrc
// CHECK: scf.for
// CHECK: %[[I:.*]] = memref.load %{{.*}} : memref<500xi32, #ascend.space<gm>>
// CHECK: %[[INSIDE:.*]] = arith.cmpi ult
// CHECK: %[[WIDTH:.*]] = arith.select %[[INSIDE]], %c64, %c0
// CHECK: memref.reinterpret_cast %{{.*}} sizes: [1, %[[WIDTH]]]
// CHECK: ascend.load
// CHECK: }
// CHECK: ascend.store
// CHECK-NOT: #ascend.core<aicpu>
func.func @main(%x: tensor<100x64xf32>, %i: tensor<500xi32>) -> tensor<500x64xf32> {
  %0 = cell.gather %x, %i {axis = 0 : i64} : (tensor<100x64xf32>, tensor<500xi32>) -> tensor<500x64xf32>
  return %0 : tensor<500x64xf32>
}
