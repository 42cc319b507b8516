// RUN: cell-opt --gpu-to-sim %s | FileCheck %s
// mbarriers take static shared memory, dynamic shared memory begins at the next multiple of 1024. A tensor map is 128 bytes of the arguments. Addresses of shared memory
// count from the block's own and begin with 1024. The kernel is marked as asynchronous (2).

#space = #gpu.address_space<workgroup>
!mbarriers = !nvgpu.mbarrier.group<memorySpace = #space, num_barriers = 3>
!map = !nvgpu.tensormap.descriptor<tensor = memref<8x64xf16, #space>, swizzle = swizzle_128b, l2promo = l2promo_128b, oob = zero, interleave = none>

// CHECK-LABEL: llvm.func internal @cg_sim_body.copy
// CHECK-SAME: (%[[MAP:[^:]*]]: !llvm.ptr, %{{.*}}: i64, %[[THREAD:[^:]*]]: !llvm.ptr)
// CHECK: llvm.getelementptr %[[THREAD]][56]
// CHECK: %[[MBARRIERS:.*]] = llvm.load
// CHECK: %[[SHARED:.*]] = llvm.load
// CHECK: %[[DYNAMIC:.*]] = llvm.getelementptr %[[SHARED]][1024]
// CHECK: %[[TILE:.*]] = llvm.getelementptr inbounds %[[DYNAMIC]][%{{.*}}]
// CHECK: %[[THREE:.*]] = llvm.mlir.constant(3 : i64)
// CHECK: llvm.call @cg_sim_mbarrier_init(%{{.*}}, %{{.*}}, %[[MBARRIERS]], %{{.*}}, %[[THREE]], %{{.*}}, %{{.*}}) : (!llvm.ptr, !llvm.ptr, !llvm.ptr, i64, i64, i64, i32) -> ()
// CHECK: llvm.call @cg_sim_fence
// CHECK: llvm.call @cg_sim_mbarrier_arrive
// CHECK: llvm.call @cg_sim_bulk_copy(%{{.*}}, %{{.*}}, %[[MAP]], %[[MBARRIERS]], %{{.*}}, %{{.*}}, %[[TILE]],
// CHECK: llvm.call @cg_sim_mbarrier_wait
// CHECK: llvm.mlir.global private constant @cg_sim.copy.bytes(dense<[128, 8]> : tensor<2xi32>)
// CHECK: llvm.mlir.global external constant @cg_sim.copy()
// CHECK: %[[BYTES:.*]] = llvm.mlir.constant(24 : i64)
// CHECK: %[[ASYNCHRONOUS:.*]] = llvm.mlir.constant(2 : i32)
// CHECK: llvm.insertvalue %[[ASYNCHRONOUS]], %{{.*}}[1]
// CHECK: llvm.insertvalue %[[BYTES]], %{{.*}}[6]
// CHECK-LABEL: llvm.func @copy
// CHECK: %[[BYTES:.*]] = llvm.load %{{.*}} : !llvm.ptr -> !llvm.ptr
// CHECK: llvm.call @cg_sim_body.copy(%[[BYTES]],
gpu.module @kernels {
  gpu.func @copy(%a: memref<100x64xf16> {cell.tensor_map = {}}, %x: index) kernel {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c1024 = arith.constant 1024 : index
    %false = arith.constant false
    %map = builtin.unrealized_conversion_cast %a : memref<100x64xf16> to !map
    %dynamic = gpu.dynamic_shared_memory : memref<?xi8, #space>
    %address = memref.extract_aligned_pointer_as_index %dynamic : memref<?xi8, #space> -> index
    %tile = memref.view %dynamic[%c1024][] : memref<?xi8, #space> to memref<8x64xf16, #space>
    %mbarriers = nvgpu.mbarrier.create -> !mbarriers
    nvgpu.mbarrier.init %mbarriers[%c0], %c1 : !mbarriers
    nvvm.fence.mbarrier.init
    nvgpu.mbarrier.arrive.expect_tx %mbarriers[%c0], %c1024 : !mbarriers
    nvgpu.tma.async.load %map[%c0, %x], %mbarriers[%c0] to %tile : !map, !mbarriers -> memref<8x64xf16, #space>
    nvgpu.mbarrier.try_wait.parity %mbarriers[%c0], %false, %c1024 : !mbarriers
    gpu.return
  }

  // The sums of a product are shown to the simulator where something else uses them, through loops and branches.
  // CHECK-LABEL: llvm.func internal @cg_sim_body.product
  // CHECK: %[[ADDRESS:.*]] = llvm.ptrtoint %{{.*}} : !llvm.ptr to i64
  // CHECK: %[[START:.*]] = llvm.ptrtoint %{{.*}} : !llvm.ptr to i64
  // CHECK: %[[BASE:.*]] = llvm.mlir.constant(1024 : i64)
  // CHECK: %[[OFFSET:.*]] = llvm.sub %[[ADDRESS]], %[[START]]
  // CHECK: llvm.add %[[OFFSET]], %[[BASE]]
  // CHECK: llvm.call @cg_sim_wgmma_fence
  // CHECK: llvm.call @cg_sim_wgmma(
  // CHECK: llvm.call @cg_sim_wgmma_commit
  // CHECK: llvm.call @cg_sim_wgmma_wait
  // CHECK: llvm.call @cg_sim_wgmma_use
  // CHECK-NEXT: llvm.extractvalue
  // CHECK-NOT: llvm.call @cg_sim_wgmma_use
  // CHECK: llvm.return
  gpu.func @product(%out: memref<2xf32>) workgroup(%w: memref<1024xf16, #space>) kernel {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %address = memref.extract_aligned_pointer_as_index %w : memref<1024xf16, #space> -> index
    %d = arith.index_cast %address : index to i64
    %zero = llvm.mlir.zero : !llvm.struct<(f32, f32, f32, f32)>
    %sums = scf.for %i = %c0 to %c1 step %c1 iter_args(%s = %zero) -> !llvm.struct<(f32, f32, f32, f32)> {
      nvvm.wgmma.fence.aligned
      %r = nvvm.wgmma.mma_async %d, %d, %s, #nvvm.shape<m = 64, n = 8, k = 16>, D[<f32>, #nvvm.wgmma_scale_out<one>], A[<f16>, #nvvm.wgmma_scale_in<one>, <row>], B[<f16>, #nvvm.wgmma_scale_in<one>, <col>] : !llvm.struct<(f32, f32, f32, f32)> -> !llvm.struct<(f32, f32, f32, f32)>
      nvvm.wgmma.commit.group.sync.aligned
      scf.yield %r : !llvm.struct<(f32, f32, f32, f32)>
    }
    nvvm.wgmma.wait.group.sync.aligned 0
    %x = llvm.extractvalue %sums[0] : !llvm.struct<(f32, f32, f32, f32)>
    %y = llvm.extractvalue %sums[1] : !llvm.struct<(f32, f32, f32, f32)>
    memref.store %x, %out[%c0] : memref<2xf32>
    memref.store %y, %out[%c1] : memref<2xf32>
    gpu.return
  }
}
