// RUN: cell-opt %s --ascend-decompose --verify-diagnostics
// The pieces of a sum are made when compiling: how long it is must be known.
#l1 = #ascend.space<l1>
gpu.module @kernels attributes {ascend.target = #ascend.target<"Ascend910B3">} {
  func.func @depth(%n: index) attributes {gpu.kernel, ascend.core = #ascend.core<aic>, ascend.block_dim = 1 : i64} {
    %true = arith.constant true
    %a = memref.alloc() : memref<2x2x16x16xf16, #l1>
    %b = memref.alloc() : memref<2x2x16x16xf16, #l1>
    %c = memref.alloc() : memref<2x2x16x16xf32, #ascend.space<l0c>>
    %x = memref.subview %a[0, 0, 0, 0] [%n, 2, 16, 16] [1, 1, 1, 1] : memref<2x2x16x16xf16, #l1> to memref<?x2x16x16xf16, strided<[512, 256, 16, 1]>, #l1>
    // expected-error @below {{stage ascend-decompose: the buffers of this product have sizes that are not known; take parts of buffers of static shape}}
    ascend.mmad_l1 ins(%x, %b, %true : memref<?x2x16x16xf16, strided<[512, 256, 16, 1]>, #l1>, memref<2x2x16x16xf16, #l1>) outs(%c : memref<2x2x16x16xf32, #ascend.space<l0c>>)
    return
  }
}
