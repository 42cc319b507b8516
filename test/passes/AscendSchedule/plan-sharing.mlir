// RUN: split-file %s %t
// RUN: cell-opt %t/roomy.mlir --ascend-plan-memory | FileCheck %s --check-prefix=ROOMY
// RUN: cell-opt %t/tight.mlir --ascend-plan-memory | FileCheck %s --check-prefix=TIGHT
// In a loop, what a transfer fills has its bytes alone while there is room; buffers of the vector pipe alone share. Without room all share.

// ROOMY-DAG: ascend.address [0] : memref<1024xf32
// ROOMY-DAG: ascend.address [4096] : memref<1024xf32
// ROOMY-DAG: %[[P:.*]] = ascend.address [8192] : memref<512xf32
// ROOMY-DAG: %[[Q:.*]] = ascend.address [8192] : memref<512xf32
// TIGHT-DAG: ascend.address [0] : memref<1024xf32
// TIGHT-DAG: ascend.address [0] : memref<1024xf32
// TIGHT-DAG: ascend.address [4096] : memref<512xf32
// TIGHT-DAG: ascend.address [4096] : memref<512xf32

//--- roomy.mlir
#gm = #ascend.space<gm>
#ub = #ascend.space<ub>
gpu.module @kernels {
  func.func @two(%a: memref<1024xf32, #gm>) attributes {gpu.kernel, ascend.core = #ascend.core<aiv>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c9 = arith.constant 9 : index
    scf.for %i = %c0 to %c9 step %c1 {
      %u = memref.alloc() : memref<1024xf32, #ub>
      %v = memref.alloc() : memref<1024xf32, #ub>
      %p = memref.alloc() : memref<512xf32, #ub>
      %q = memref.alloc() : memref<512xf32, #ub>
      ascend.load ins(%a : memref<1024xf32, #gm>) outs(%u : memref<1024xf32, #ub>)
      %h = memref.subview %u[0] [512] [1] : memref<1024xf32, #ub> to memref<512xf32, strided<[1]>, #ub>
      ascend.vun <exp> ins(%h : memref<512xf32, strided<[1]>, #ub>) outs(%p : memref<512xf32, #ub>)
      ascend.load ins(%a : memref<1024xf32, #gm>) outs(%v : memref<1024xf32, #ub>)
      %k = memref.subview %v[0] [512] [1] : memref<1024xf32, #ub> to memref<512xf32, strided<[1]>, #ub>
      ascend.vun <exp> ins(%k : memref<512xf32, strided<[1]>, #ub>) outs(%q : memref<512xf32, #ub>)
    }
    return
  }
}

//--- tight.mlir
#gm = #ascend.space<gm>
#ub = #ascend.space<ub>
gpu.module @kernels attributes {ascend.target = #ascend.target<"Ascend910B3", {ub_bytes = 6144 : i64}>} {
  func.func @two(%a: memref<1024xf32, #gm>) attributes {gpu.kernel, ascend.core = #ascend.core<aiv>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c9 = arith.constant 9 : index
    scf.for %i = %c0 to %c9 step %c1 {
      %u = memref.alloc() : memref<1024xf32, #ub>
      %v = memref.alloc() : memref<1024xf32, #ub>
      %p = memref.alloc() : memref<512xf32, #ub>
      %q = memref.alloc() : memref<512xf32, #ub>
      ascend.load ins(%a : memref<1024xf32, #gm>) outs(%u : memref<1024xf32, #ub>)
      %h = memref.subview %u[0] [512] [1] : memref<1024xf32, #ub> to memref<512xf32, strided<[1]>, #ub>
      ascend.vun <exp> ins(%h : memref<512xf32, strided<[1]>, #ub>) outs(%p : memref<512xf32, #ub>)
      ascend.load ins(%a : memref<1024xf32, #gm>) outs(%v : memref<1024xf32, #ub>)
      %k = memref.subview %v[0] [512] [1] : memref<1024xf32, #ub> to memref<512xf32, strided<[1]>, #ub>
      ascend.vun <exp> ins(%k : memref<512xf32, strided<[1]>, #ub>) outs(%q : memref<512xf32, #ub>)
    }
    return
  }
}
