// RUN: cell-opt --gpu-to-nvvm %s | FileCheck %s

// Pairs of bf16 factors are registers of 32 bits.

// CHECK-LABEL: llvm.func @product
// CHECK: llvm.bitcast {{.*}} : vector<2xbf16> to i32
// CHECK: nvvm.mma.sync A[{{.*}}] B[{{.*}}] C[{{.*}}] {layoutA = #nvvm.mma_layout<row>, layoutB = #nvvm.mma_layout<col>, multiplicandAPtxType = #nvvm.mma_type<bf16>, multiplicandBPtxType = #nvvm.mma_type<bf16>, shape = #nvvm.shape<m = 16, n = 8, k = 16>} : (i32, i32, f32) -> !llvm.struct<(f32, f32, f32, f32)>
gpu.module @kernels {
  gpu.func @product(%x: memref<4xf32>) kernel {
    %i = arith.constant 0 : index
    %a = arith.constant dense<1.0> : vector<4x2xbf16>
    %b = arith.constant dense<2.0> : vector<2x2xbf16>
    %c = arith.constant dense<0.0> : vector<2x2xf32>
    %d = nvgpu.mma.sync(%a, %b, %c) {mmaShape = [16, 8, 16]} : (vector<4x2xbf16>, vector<2x2xbf16>, vector<2x2xf32>) -> vector<2x2xf32>
    %r = vector.extract %d[0] : vector<2xf32> from vector<2x2xf32>
    vector.store %r, %x[%i] : memref<4xf32>, vector<2xf32>
    gpu.return
  }
}
