// RUN: not cell-opt --gpu-to-sim --split-input-file %s 2>&1 | FileCheck %s
// Forms that the simulator does not have are refused at the operation.

!sums = !llvm.struct<(f32, f32, f32, f32)>
// CHECK: [[#@LINE+4]]:{{[0-9]+}}: error: stage gpu-to-sim: products of warpgroups are simulated for f16 and bf16 with sums in f32
gpu.module @kernels {
  gpu.func @tf32(%d: i64) kernel {
    %s = llvm.mlir.zero : !sums
    %r = nvvm.wgmma.mma_async %d, %d, %s, #nvvm.shape<m = 64, n = 8, k = 8>, D[<f32>, #nvvm.wgmma_scale_out<one>], A[<tf32>, #nvvm.wgmma_scale_in<one>, <row>], B[<tf32>, #nvvm.wgmma_scale_in<one>, <col>] : !sums -> !sums
    gpu.return
  }
}

// -----

// CHECK: error: stage gpu-to-sim: of fence.proxy, async and async.shared::cta are simulated
gpu.module @kernels {
  gpu.func @fence() kernel {
    nvvm.fence.proxy {kind = #nvvm.proxy_kind<alias>}
    gpu.return
  }
}

// -----

// CHECK: error: stage gpu-to-sim: 'nvgpu.mbarrier.test.wait' cannot be simulated
#space = #gpu.address_space<workgroup>
!mbarriers = !nvgpu.mbarrier.group<memorySpace = #space, num_barriers = 1>
gpu.module @kernels {
  gpu.func @test() kernel {
    %c0 = arith.constant 0 : index
    %m = nvgpu.mbarrier.create -> !mbarriers
    %t = nvgpu.mbarrier.arrive %m[%c0] : !mbarriers -> !nvgpu.mbarrier.token
    %r = nvgpu.mbarrier.test.wait %m[%c0], %t : !mbarriers, !nvgpu.mbarrier.token
    gpu.return
  }
}
