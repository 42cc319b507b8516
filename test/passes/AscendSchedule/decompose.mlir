// A product in L1 becomes pieces that fit into half of L0A and L0B; two buffers of each take turns. The bias goes to the cube once.
// RUN: cell-opt %s --split-input-file --ascend-decompose | FileCheck %s

gpu.module @kernels attributes {ascend.target = #ascend.target<"Ascend910B3">} {
  // 128 x 256 elements of f16: 64 of the sum fill half of L0B.
  // CHECK-LABEL: func.func @pieces(
  // CHECK-DAG: %[[A0:.*]] = memref.alloc() {ascend.multi_buffer = 1 : i64} : memref<8x4x16x16xf16, #ascend.space<l0a>>
  // CHECK-DAG: %[[B0:.*]] = memref.alloc() {ascend.multi_buffer = 1 : i64} : memref<4x16x16x16xf16, #ascend.space<l0b>>
  // CHECK: ascend.l1_to_l0a
  // CHECK: ascend.l1_to_l0b
  // CHECK: ascend.mmad ins(%{{.*}}, %{{.*}}, %arg3
  // CHECK: memref.subview %arg0[4, 0, 0, 0] [4, 8, 16, 16]
  // CHECK: memref.subview %arg1[0, 4, 0, 0] [16, 4, 16, 16]
  // CHECK: ascend.mmad ins(%{{.*}}, %{{.*}}, %false
  // CHECK-NOT: ascend.mmad
  // CHECK: return
  func.func @pieces(%a: memref<8x8x16x16xf16, #ascend.space<l1>>, %b: memref<16x8x16x16xf16, #ascend.space<l1>>, %c: memref<16x8x16x16xf32, #ascend.space<l0c>>, %first: i1)
      attributes {gpu.kernel, ascend.core = #ascend.core<aic>, ascend.block_dim = 1 : i64} {
    ascend.mmad_l1 ins(%a, %b, %first : memref<8x8x16x16xf16, #ascend.space<l1>>, memref<16x8x16x16xf16, #ascend.space<l1>>) outs(%c : memref<16x8x16x16xf32, #ascend.space<l0c>>)
    return
  }
}

// -----

gpu.module @kernels attributes {ascend.target = #ascend.target<"Ascend910B3">} {
  // What the loop does not change goes to the cube before it, but behind the load that fills it.
  // CHECK-LABEL: func.func @bias(
  // CHECK: ascend.load
  // CHECK: %[[BT:.*]] = memref.alloc() : memref<32xf32, #ascend.space<bt>>
  // CHECK: ascend.l1_to_bt ins(%{{.*}} : memref<32xf16, #ascend.space<l1>>) outs(%[[BT]]
  // CHECK: scf.for
  // CHECK: ascend.l1_to_l0a
  // CHECK-NOT: ascend.l1_to_bt
  // CHECK: ascend.mmad {{.*}} bias(%[[BT]]
  func.func @bias(%g: memref<32xf16, #ascend.space<gm>>) attributes {gpu.kernel, ascend.core = #ascend.core<aic>, ascend.block_dim = 1 : i64} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c4 = arith.constant 4 : index
    %a = memref.alloc() : memref<2x2x16x16xf16, #ascend.space<l1>>
    %b = memref.alloc() : memref<2x2x16x16xf16, #ascend.space<l1>>
    %c = memref.alloc() : memref<2x2x16x16xf32, #ascend.space<l0c>>
    %v = memref.alloc() : memref<32xf16, #ascend.space<l1>>
    ascend.load ins(%g : memref<32xf16, #ascend.space<gm>>) outs(%v : memref<32xf16, #ascend.space<l1>>)
    scf.for %i = %c0 to %c4 step %c1 {
      %first = arith.cmpi eq, %i, %c0 : index
      ascend.mmad_l1 ins(%a, %b, %first : memref<2x2x16x16xf16, #ascend.space<l1>>, memref<2x2x16x16xf16, #ascend.space<l1>>) bias(%v : memref<32xf16, #ascend.space<l1>>) outs(%c : memref<2x2x16x16xf32, #ascend.space<l0c>>)
    }
    return
  }
}

// -----

gpu.module @kernels attributes {ascend.target = #ascend.target<"Ascend910B3">} {
  // A bias that each step loads anew goes to the cube in each step; so does one that is written twice.
  // CHECK-LABEL: func.func @filled_in_the_loop(
  // CHECK: scf.for
  // CHECK: ascend.load
  // CHECK: ascend.l1_to_bt
  // CHECK: ascend.mmad
  // CHECK: }
  // CHECK: ascend.load
  // CHECK: ascend.l1_to_bt
  // CHECK: ascend.mmad
  func.func @filled_in_the_loop(%g: memref<32xf16, #ascend.space<gm>>, %h: memref<32xf16, #ascend.space<gm>>)
      attributes {gpu.kernel, ascend.core = #ascend.core<aic>, ascend.block_dim = 1 : i64} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c4 = arith.constant 4 : index
    %true = arith.constant true
    %a = memref.alloc() : memref<2x2x16x16xf16, #ascend.space<l1>>
    %b = memref.alloc() : memref<2x2x16x16xf16, #ascend.space<l1>>
    %c = memref.alloc() : memref<2x2x16x16xf32, #ascend.space<l0c>>
    %v = memref.alloc() : memref<32xf16, #ascend.space<l1>>
    scf.for %i = %c0 to %c4 step %c1 {
      ascend.load ins(%g : memref<32xf16, #ascend.space<gm>>) outs(%v : memref<32xf16, #ascend.space<l1>>)
      ascend.mmad_l1 ins(%a, %b, %true : memref<2x2x16x16xf16, #ascend.space<l1>>, memref<2x2x16x16xf16, #ascend.space<l1>>) bias(%v : memref<32xf16, #ascend.space<l1>>) outs(%c : memref<2x2x16x16xf32, #ascend.space<l0c>>)
    }
    ascend.load ins(%h : memref<32xf16, #ascend.space<gm>>) outs(%v : memref<32xf16, #ascend.space<l1>>)
    ascend.mmad_l1 ins(%a, %b, %true : memref<2x2x16x16xf16, #ascend.space<l1>>, memref<2x2x16x16xf16, #ascend.space<l1>>) bias(%v : memref<32xf16, #ascend.space<l1>>) outs(%c : memref<2x2x16x16xf32, #ascend.space<l0c>>)
    return
  }
}
