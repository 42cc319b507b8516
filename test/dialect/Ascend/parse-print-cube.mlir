// RUN: cell-opt %s | cell-opt | FileCheck %s

#gm = #ascend.space<gm>
#l1 = #ascend.space<l1>

func.func @cube(%g: memref<100x64xf16, #gm>, %bias: memref<128xf32, #gm>, %out: memref<100x128xf16, #gm>) attributes {ascend.core = #ascend.core<aic>} {
  %true = arith.constant true
  %a = memref.alloc() : memref<4x7x16x16xf16, #l1>
  %b = memref.alloc() : memref<8x4x16x16xf16, #l1>
  %v = memref.alloc() : memref<128xf32, #l1>
  %bt = memref.alloc() : memref<128xf32, #ascend.space<bt>>
  %l0a = memref.alloc() : memref<7x4x16x16xf16, #ascend.space<l0a>>
  %l0b = memref.alloc() : memref<4x8x16x16xf16, #ascend.space<l0b>>
  %c = memref.alloc() : memref<8x7x16x16xf32, #ascend.space<l0c>>
  // CHECK: ascend.nd2nz ins(%{{.*}} : memref<100x64xf16, #ascend.space<gm>>) outs(%{{.*}} : memref<4x7x16x16xf16, #ascend.space<l1>>)
  ascend.nd2nz ins(%g : memref<100x64xf16, #gm>) outs(%a : memref<4x7x16x16xf16, #l1>)
  // CHECK: ascend.load ins(%{{.*}} : memref<128xf32, #ascend.space<gm>>) outs(%{{.*}} : memref<128xf32, #ascend.space<l1>>)
  ascend.load ins(%bias : memref<128xf32, #gm>) outs(%v : memref<128xf32, #l1>)
  // CHECK: ascend.l1_to_bt ins(%{{.*}}) outs(%{{.*}} : memref<128xf32, #ascend.space<bt>>)
  ascend.l1_to_bt ins(%v : memref<128xf32, #l1>) outs(%bt : memref<128xf32, #ascend.space<bt>>)
  // CHECK: ascend.l1_to_l0a ins(
  ascend.l1_to_l0a ins(%a : memref<4x7x16x16xf16, #l1>) outs(%l0a : memref<7x4x16x16xf16, #ascend.space<l0a>>)
  // CHECK: ascend.l1_to_l0b ins(
  ascend.l1_to_l0b ins(%b : memref<8x4x16x16xf16, #l1>) outs(%l0b : memref<4x8x16x16xf16, #ascend.space<l0b>>)
  // CHECK: ascend.mmad ins(%{{.*}}, %{{.*}}, %{{.*}} : memref<7x4x16x16xf16, #ascend.space<l0a>>, memref<4x8x16x16xf16, #ascend.space<l0b>>) bias(%{{.*}} : memref<128xf32, #ascend.space<bt>>) outs(
  ascend.mmad ins(%l0a, %l0b, %true : memref<7x4x16x16xf16, #ascend.space<l0a>>, memref<4x8x16x16xf16, #ascend.space<l0b>>)
    bias(%bt : memref<128xf32, #ascend.space<bt>>) outs(%c : memref<8x7x16x16xf32, #ascend.space<l0c>>)
  // CHECK: ascend.mmad_l1 ins(%{{.*}}, %{{.*}}, %{{.*}} : memref<4x7x16x16xf16, #ascend.space<l1>>, memref<8x4x16x16xf16, #ascend.space<l1>>) outs(
  ascend.mmad_l1 ins(%a, %b, %true : memref<4x7x16x16xf16, #l1>, memref<8x4x16x16xf16, #l1>) outs(%c : memref<8x7x16x16xf32, #ascend.space<l0c>>)
  // CHECK: ascend.fixpipe ins(%{{.*}}) outs(%{{.*}} : memref<100x128xf16, #ascend.space<gm>>) relu
  ascend.fixpipe ins(%c : memref<8x7x16x16xf32, #ascend.space<l0c>>) outs(%out : memref<100x128xf16, #gm>) relu
  return
}

// CHECK-LABEL: func.func @transposed
func.func @transposed(%a: memref<7x4x16x16xf16, #l1>, %b: memref<4x8x16x16xf16, #l1>, %i: i1, %c: memref<8x7x16x16xf32, #ascend.space<l0c>>,
                      %l0a: memref<7x4x16x16xf16, #ascend.space<l0a>>) attributes {ascend.core = #ascend.core<aic>} {
  // CHECK: outs(%{{.*}}) transpose_a transpose_b
  ascend.mmad_l1 ins(%a, %b, %i : memref<7x4x16x16xf16, #l1>, memref<4x8x16x16xf16, #l1>) outs(%c : memref<8x7x16x16xf32, #ascend.space<l0c>>) transpose_a transpose_b
  // CHECK: ascend.l1_to_l0a ins(%{{.*}}) outs(%{{.*}}) transpose
  ascend.l1_to_l0a ins(%a : memref<7x4x16x16xf16, #l1>) outs(%l0a : memref<7x4x16x16xf16, #ascend.space<l0a>>) transpose
  return
}
