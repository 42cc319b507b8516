// RUN: cell-opt %s --split-input-file --linalg-to-gpu="chip=sm_90a wgmma=on" | FileCheck %s
// RUN: cell-opt %s --split-input-file --linalg-to-gpu="chip=sm_90a" | FileCheck %s --check-prefix=AUTO
// RUN: cell-opt %s --split-input-file --linalg-to-gpu="chip=sm_90" | FileCheck %s --check-prefix=OTHER
// RUN: cell-opt %s --split-input-file --linalg-to-gpu="chip=sm_90a wgmma=off" | FileCheck %s --check-prefix=OTHER
// RUN: not cell-opt %s --split-input-file --linalg-to-gpu="wgmma=yes" 2>&1 | FileCheck %s --check-prefix=WORD

// The left factor is contiguous along the sum: one box. The right one along columns: boxes of 64 of them, and the product's layout says so.
// WORD: 'wgmma' is auto, on or off, not 'yes'
// AUTO: gpu.func @matmul_wgmma_0
// OTHER-NOT: wgmma
// OTHER: gpu.func @matmul_mma_0
// CHECK: gpu.launch_func @kernels::@matmul_wgmma_0 {{.*}} dynamic_shared_memory_size %{{.*}} args(
// CHECK: gpu.func @matmul_wgmma_0(
// CHECK-SAME: {cell.tensor_map = {box = array<i64: 128, 64>, sizes = array<i64: 4000, 1024>, strides = array<i64: 1024, 1>}
// CHECK-SAME: {cell.tensor_map = {box = array<i64: 64, 64>, sizes = array<i64: 1024, 4096>, strides = array<i64: 4096, 1>}
// CHECK: %[[BARRIERS:.*]] = nvgpu.mbarrier.create
// CHECK: nvvm.fence.mbarrier.init
// CHECK-NEXT: nvvm.fence.proxy
// CHECK: gpu.barrier
// CHECK: scf.for
// CHECK: nvgpu.mbarrier.try_wait.parity %[[BARRIERS]]
// CHECK: nvgpu.mbarrier.arrive.expect_tx %[[BARRIERS]]{{.*}}%c49152
// CHECK-COUNT-5: nvgpu.tma.async.load
// CHECK-NOT: nvgpu.tma.async.load
// CHECK: scf.for
// CHECK: nvgpu.mbarrier.try_wait.parity %[[BARRIERS]]
// CHECK: nvvm.wgmma.fence.aligned
// CHECK-COUNT-4: nvvm.wgmma.mma_async {{.*}}<m = 64, n = 256, k = 16>, D[<f32>, <one>], A[<f16>, <one>, <row>], B[<f16>, <one>, <row>]
// CHECK: nvvm.wgmma.commit.group.sync.aligned
// CHECK: nvvm.wgmma.wait.group.sync.aligned 1
// CHECK: nvgpu.mbarrier.arrive %[[BARRIERS]]
// CHECK: nvvm.wgmma.wait.group.sync.aligned 0
func.func @main(%a: tensor<4000x1024xf16>, %b: tensor<1024x4096xf16>) -> tensor<4000x4096xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<4000x4096xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<4000x4096xf32>) -> tensor<4000x4096xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(i, j, k) -> (i, k)>, affine_map<(i, j, k) -> (k, j)>, affine_map<(i, j, k) -> (i, j)>], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%a, %b : tensor<4000x1024xf16>, tensor<1024x4096xf16>) outs(%f : tensor<4000x4096xf32>) {
  ^bb0(%x: f16, %y: f16, %z: f32):
    %xw = arith.extf %x : f16 to f32
    %yw = arith.extf %y : f16 to f32
    %p = arith.mulf %xw, %yw : f32
    %s = arith.addf %z, %p : f32
    linalg.yield %s : f32
  } -> tensor<4000x4096xf32>
  return %r : tensor<4000x4096xf32>
}

// -----

// Both factors are contiguous the other way round, in batches: a third dimension of the tensor maps.
// CHECK-LABEL: func.func @batched
// CHECK: {box = array<i64: 1, 64, 64>, sizes = array<i64: 4, 512, 256>, strides = array<i64: 131072, 256, 1>}
// CHECK: {box = array<i64: 1, {{64|128|256}}, 64>, sizes = array<i64: 4, 256, 512>, strides = array<i64: 131072, 512, 1>}
// CHECK: A[<bf16>, <one>, <col>], B[<bf16>, <one>, <col>]
// AUTO-LABEL: func.func @batched
// OTHER-LABEL: func.func @batched
func.func @batched(%a: tensor<4x512x256xbf16>, %b: tensor<4x256x512xbf16>) -> tensor<4x256x256xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<4x256x256xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<4x256x256xf32>) -> tensor<4x256x256xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(b, i, j, k) -> (b, k, i)>, affine_map<(b, i, j, k) -> (b, j, k)>, affine_map<(b, i, j, k) -> (b, i, j)>], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%a, %b : tensor<4x512x256xbf16>, tensor<4x256x512xbf16>) outs(%f : tensor<4x256x256xf32>) {
  ^bb0(%x: bf16, %y: bf16, %z: f32):
    %xw = arith.extf %x : bf16 to f32
    %yw = arith.extf %y : bf16 to f32
    %p = arith.mulf %xw, %yw : f32
    %s = arith.addf %z, %p : f32
    linalg.yield %s : f32
  } -> tensor<4x256x256xf32>
  return %r : tensor<4x256x256xf32>
}

// -----

// Rows that are not multiples of 16 bytes have no tensor map.
// CHECK-LABEL: func.func @odd
// CHECK: gpu.func @matmul_mma_0
// AUTO-LABEL: func.func @odd
// OTHER-LABEL: func.func @odd
func.func @odd(%a: tensor<512x500xf16>, %b: tensor<500x512xf16>) -> tensor<512x512xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<512x512xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<512x512xf32>) -> tensor<512x512xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(i, j, k) -> (i, k)>, affine_map<(i, j, k) -> (k, j)>, affine_map<(i, j, k) -> (i, j)>], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%a, %b : tensor<512x500xf16>, tensor<500x512xf16>) outs(%f : tensor<512x512xf32>) {
  ^bb0(%x: f16, %y: f16, %z: f32):
    %xw = arith.extf %x : f16 to f32
    %yw = arith.extf %y : f16 to f32
    %p = arith.mulf %xw, %yw : f32
    %s = arith.addf %z, %p : f32
    linalg.yield %s : f32
  } -> tensor<512x512xf32>
  return %r : tensor<512x512xf32>
}
