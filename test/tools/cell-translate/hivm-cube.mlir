// REQUIRES: cell-translate
// RUN: cell-translate --ascend-to-hivm %s | FileCheck %s

#gm = #ascend.space<gm>
#l1 = #ascend.space<l1>
#l0c = #ascend.space<l0c>

// Sizes come from the transfers that filled the tiles: 100 x 64 times 64 x 128, and true sizes of a tail.
// CHECK-LABEL: func.func @product(
// CHECK-SAME: %[[A:arg0]]: memref<100x64xf16, #hivm.address_space<gm>>
func.func @product(%a: memref<100x64xf16, #gm>, %b: memref<64x?xf16, #gm>, %bias: memref<128xf32, #gm>, %c: memref<100x?xf16, #gm>, %n: index)
    attributes {gpu.kernel, ascend.core = #ascend.core<aic>} {
  %true = arith.constant true
  // CHECK: %[[LA:.*]] = memref.alloc() : memref<4x8x16x16xf16, #hivm.address_space<cbuf>>
  %la = memref.alloc() : memref<4x8x16x16xf16, #l1>
  // CHECK: %[[LB:.*]] = memref.alloc() : memref<8x4x16x16xf16, #hivm.address_space<cbuf>>
  %lb = memref.alloc() : memref<8x4x16x16xf16, #l1>
  %lv = memref.alloc() : memref<128xf32, #l1>
  // CHECK: %[[LC:.*]] = memref.alloc() : memref<8x8x16x16xf32, #hivm.address_space<cc>>
  %lc = memref.alloc() : memref<8x8x16x16xf32, #l0c>
  %ta = memref.subview %la[0, 0, 0, 0] [4, 7, 16, 16] [1, 1, 1, 1] : memref<4x8x16x16xf16, #l1> to memref<4x7x16x16xf16, strided<[2048, 256, 16, 1]>, #l1>
  %tb = memref.subview %lb[0, 0, 0, 0] [%n, 4, 16, 16] [1, 1, 1, 1] : memref<8x4x16x16xf16, #l1> to memref<?x4x16x16xf16, strided<[1024, 256, 16, 1]>, #l1>
  %tc = memref.subview %lc[0, 0, 0, 0] [%n, 7, 16, 16] [1, 1, 1, 1] : memref<8x8x16x16xf32, #l0c> to memref<?x7x16x16xf32, strided<[2048, 256, 16, 1]>, #l0c>
  // CHECK: hivm.hir.nd2nz {dst_continuous} ins(%[[A]] : memref<100x64xf16, #hivm.address_space<gm>>) outs(%[[LA]] : memref<4x8x16x16xf16, #hivm.address_space<cbuf>>)
  ascend.nd2nz ins(%a : memref<100x64xf16, #gm>) outs(%ta : memref<4x7x16x16xf16, strided<[2048, 256, 16, 1]>, #l1>)
  ascend.nd2nz ins(%b : memref<64x?xf16, #gm>) outs(%tb : memref<?x4x16x16xf16, strided<[1024, 256, 16, 1]>, #l1>)
  // CHECK: hivm.hir.load ins(%{{.*}}) outs(%[[LV:.*]] : memref<128xf32, #hivm.address_space<cbuf>>)
  ascend.load ins(%bias : memref<128xf32, #gm>) outs(%lv : memref<128xf32, #l1>)
  // CHECK: %[[M:.*]] = arith.constant 100 : index
  // CHECK: %[[K:.*]] = arith.constant 64 : index
  // CHECK: %[[N:.*]] = memref.dim %arg1, %{{.*}} : memref<64x?xf16, #hivm.address_space<gm>>
  // CHECK: hivm.hir.mmadL1 ins(%[[LA]], %[[LB]], %true, %[[M]], %[[K]], %[[N]], %[[LV]] : memref<4x8x16x16xf16, #hivm.address_space<cbuf>>, memref<8x4x16x16xf16, #hivm.address_space<cbuf>>, i1, index, index, index, memref<128xf32, #hivm.address_space<cbuf>>) outs(%[[LC]] : memref<8x8x16x16xf32, #hivm.address_space<cc>>)
  ascend.mmad_l1 ins(%ta, %tb, %true : memref<4x7x16x16xf16, strided<[2048, 256, 16, 1]>, #l1>, memref<?x4x16x16xf16, strided<[1024, 256, 16, 1]>, #l1>)
    bias(%lv : memref<128xf32, #l1>) outs(%tc : memref<?x7x16x16xf32, strided<[2048, 256, 16, 1]>, #l0c>)
  // CHECK: hivm.hir.fixpipe {dma_mode = #hivm.dma_mode<nz2nd>, pre_quant = #hivm.fixpipe_pre_quant_mode<F322F16>, pre_relu = #hivm.fixpipe_pre_relu_mode<NORMAL_RELU>} ins(%[[LC]] : {{.*}}) outs(%arg3 : memref<100x?xf16, #hivm.address_space<gm>>)
  ascend.fixpipe ins(%tc : memref<?x7x16x16xf32, strided<[2048, 256, 16, 1]>, #l0c>) outs(%c : memref<100x?xf16, #gm>) relu
  return
}

// CHECK-LABEL: func.func @transposed(
func.func @transposed(%a: memref<32x16xf32, #gm>, %c: memref<16x16xf32, #gm>, %first: i1) attributes {gpu.kernel, ascend.core = #ascend.core<aic>} {
  %la = memref.alloc() : memref<2x2x16x8xf32, #l1>
  %lc = memref.alloc() : memref<1x1x16x16xf32, #l0c>
  ascend.nd2nz ins(%a : memref<32x16xf32, #gm>) outs(%la : memref<2x2x16x8xf32, #l1>)
  // CHECK: hivm.hir.mmadL1 {a_transpose} ins(
  ascend.mmad_l1 ins(%la, %la, %first : memref<2x2x16x8xf32, #l1>, memref<2x2x16x8xf32, #l1>) outs(%lc : memref<1x1x16x16xf32, #l0c>) transpose_a
  // CHECK: hivm.hir.set_atomic kind = <add>[type = f32]
  // CHECK-NEXT: hivm.hir.fixpipe {dma_mode = #hivm.dma_mode<nz2nd>} ins
  // CHECK-NEXT: hivm.hir.set_atomic kind = <none>[type = f32]
  ascend.fixpipe ins(%lc : memref<1x1x16x16xf32, #l0c>) outs(%c : memref<16x16xf32, #gm>) atomic = add
  return
}
