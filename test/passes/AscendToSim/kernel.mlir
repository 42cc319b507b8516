// RUN: cell-opt %s --ascend-to-sim --split-input-file --verify-diagnostics | FileCheck %s
// A kernel is a function of its arguments and its core; each operation is a call with a record and the places of its operands.

// CHECK: gpu.module @kernels attributes {cell.chip = "Ascend910B4"}
// CHECK-DAG: llvm.mlir.global external constant @cg_ascend_target()
// CHECK-DAG: llvm.func @cg_ascend_issue(!llvm.ptr, !llvm.ptr, !llvm.ptr)
// CHECK-DAG: "{{.*}}kernel.mlir:[[@LINE+14]], ascend.vun exp\00"
// CHECK: llvm.func @k(%[[ARGS:.*]]: !llvm.ptr, %[[CORE:.*]]: !llvm.ptr) attributes {gpu.kernel}
// CHECK: %[[UB:.*]] = llvm.getelementptr %[[CORE]][56] : (!llvm.ptr) -> !llvm.ptr, i8
// CHECK: llvm.call @cg_ascend_issue(%[[CORE]], %{{.*}}, %[[VIEWS:.*]]) 
// CHECK: llvm.call @cg_ascend_issue(%[[CORE]], %{{.*}}, %[[VIEWS]])
// CHECK: llvm.call @cg_ascend_issue(%[[CORE]], %{{.*}}, %[[VIEWS]])
// CHECK: llvm.call @cg_ascend_issue(%[[CORE]], %{{.*}}, %[[VIEWS]])
// CHECK: llvm.mlir.global external constant @cg_ascend.k()
gpu.module @kernels attributes {ascend.target = #ascend.target<"Ascend910B4">} {
  func.func @k(%x: memref<64xf32, #ascend.space<gm>>) attributes {gpu.kernel, ascend.core = #ascend.core<aiv>, ascend.block_dim = 1 : i64} {
    %u = ascend.address [128] : memref<64xf32, #ascend.space<ub>>
    ascend.load ins(%x : memref<64xf32, #ascend.space<gm>>) outs(%u : memref<64xf32, #ascend.space<ub>>)
    ascend.set_flag <mte2, v> [2]
    ascend.wait_flag <mte2, v> [2]
    ascend.vun <exp> ins(%u : memref<64xf32, #ascend.space<ub>>) outs(%u : memref<64xf32, #ascend.space<ub>>)
    return
  }
}

// -----

gpu.module @kernels {
  func.func @k(%x: memref<64xf32, #ascend.space<gm>>, %v: f32) attributes {gpu.kernel, ascend.core = #ascend.core<aiv>, ascend.block_dim = 1 : i64} {
    %c0 = arith.constant 0 : index
    // expected-error @+1 {{stage ascend-to-sim: 'memref.store' cannot be simulated in a kernel of the aiv core}}
    memref.store %v, %x[%c0] : memref<64xf32, #ascend.space<gm>>
    return
  }
}

// -----

gpu.module @kernels {
  // expected-error @+1 {{stage ascend-to-sim: the kernel does not say for which core it is (ascend.core)}}
  func.func @k(%x: memref<64xf32, #ascend.space<gm>>) attributes {gpu.kernel} {
    return
  }
}
