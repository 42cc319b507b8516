// With `lines` kernels have line tables of the user's lines and no other debug information; a line of another file has a scope that says so.
// RUN: cell-opt %s --gpu-to-nvvm="chip=sm_80 lines" --mlir-print-debuginfo | FileCheck %s
// RUN: cell-opt %s --gpu-to-nvvm="chip=sm_80" --mlir-print-debuginfo | FileCheck %s --check-prefix=WITHOUT

// WITHOUT-NOT: di_subprogram
// CHECK-DAG: #[[FILE:.*]] = #llvm.di_file<"step.py" in "">
// CHECK-DAG: #[[OTHER:.*]] = #llvm.di_file<"layers.py" in "">
// CHECK-DAG: #[[UNIT:.*]] = #llvm.di_compile_unit<{{.*}}emissionKind = DebugDirectivesOnly
// CHECK-DAG: #[[SCOPE:.*]] = #llvm.di_subprogram<{{.*}}compileUnit = #[[UNIT]]{{.*}}name = "k"{{.*}}line = 7
// CHECK-DAG: #llvm.di_lexical_block_file<scope = #[[SCOPE]], file = #[[OTHER]]
gpu.module @kernels {
  gpu.func @k(%x: memref<16xf32>) kernel {
    %i = gpu.thread_id x loc("step.py":7:1)
    %v = memref.load %x[%i] : memref<16xf32> loc("step.py":7:3)
    %w = arith.addf %v, %v : f32 loc("layers.py":90:2)
    memref.store %w, %x[%i] : memref<16xf32> loc("step.py":8:3)
    gpu.return loc("step.py":8:3)
  } loc("step.py":7:1)
}
