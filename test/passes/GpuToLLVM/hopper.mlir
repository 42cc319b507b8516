// RUN: cell-opt %s --gpu-to-nvvm="chip=sm_90a" | FileCheck %s
// RUN: cell-opt %s --gpu-program-to-llvm="chip=sm_90a" | FileCheck %s --check-prefix=HOST
// RUN: not cell-opt %s --gpu-to-nvvm="chip=sm_90" 2>&1 | FileCheck %s --check-prefix=CHIP
// RUN: not cell-opt %s --gpu-to-nvvm="chip=sm_80" 2>&1 | FileCheck %s --check-prefix=OLD

// CHIP: error: stage gpu-to-nvvm: 'nvvm.wgmma.fence.aligned' needs the chip sm_90a, and this program is for sm_90; compile it with wgmma=off
// OLD: error: stage gpu-to-nvvm: 'nvgpu.mbarrier.create' needs the chip sm_90 or a later one, and this program is for sm_80

!tile = memref<64x64xf16, #gpu.address_space<workgroup>>
!map = !nvgpu.tensormap.descriptor<tensor = !tile, swizzle = swizzle_128b, l2promo = l2promo_128b, oob = zero, interleave = none>
!barriers = !nvgpu.mbarrier.group<memorySpace = #gpu.address_space<workgroup>, num_barriers = 1>
!sums = !llvm.struct<(f32, f32, f32, f32)>

module attributes {gpu.container_module} {
// A launch makes the map of its argument in memory of the host, aligned to 64, and says how much shared memory it needs.
// HOST: llvm.mlir.global private constant @[[RECORD:.*]](dense<[0, 2, 100, 80, 80, 1, 64, 64]>
// HOST: llvm.func internal @cg_body(
// HOST: %[[MAPS:.*]] = llvm.alloca {{.*}} x i8 {alignment = 64 : i64}
// HOST: %[[BYTES:.*]] = llvm.mlir.constant(16384 : i32)
// HOST: %[[NUMBERS:.*]] = llvm.mlir.addressof @[[RECORD]]
// HOST: llvm.call @cg_gpu_tensor_map(%[[NUMBERS]], %{{.*}}, %[[MAPS]])
// HOST: llvm.store %[[MAPS]], %[[PLACE:.*]] : !llvm.ptr, !llvm.ptr
// HOST: llvm.store %[[BYTES]], %{{.*}} : i32, !llvm.ptr
// HOST: llvm.call @cg_gpu_launch
// HOST: llvm.store %{{.*}}, %[[PLACE]] : !llvm.ptr, !llvm.ptr
func.func @main(%a: memref<100x80xf16>, %r: memref<4xf32>) {
  %one = arith.constant 1 : index
  %threads = arith.constant 128 : index
  %bytes = arith.constant 16384 : i32
  gpu.launch_func @kernels::@k blocks in (%one, %one, %one) threads in (%threads, %one, %one) dynamic_shared_memory_size %bytes args(%a : memref<100x80xf16>, %r : memref<4xf32>)
  return
}

gpu.module @kernels {
  // CHECK: llvm.mlir.global internal @shared.barriers() {addr_space = 3 : i32, alignment = 8 : i64} : !llvm.array<1 x i64>
  // CHECK: llvm.mlir.global external @shared_dynamic() {addr_space = 3 : i32, alignment = 1024 : i64} : !llvm.array<0 x i8>
  // CHECK: llvm.func @k(%[[MAP:.*]]: !llvm.ptr {llvm.align = 64 : i64, llvm.byval = !llvm.array<128 x i8>, nvvm.grid_constant}
  gpu.func @k(%a: memref<100x80xf16> {cell.tensor_map = {sizes = array<i64: 100, 80>, strides = array<i64: 80, 1>, box = array<i64: 64, 64>}}, %r: memref<4xf32>) kernel
      attributes {known_block_size = array<i32: 128, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %c8192 = arith.constant 8192 : index
    %ticks = arith.constant 1000 : index
    %even = arith.constant false
    // CHECK-DAG: %[[MEMORY:.*]] = llvm.mlir.addressof @shared_dynamic
    // CHECK-DAG: %[[BARRIERS:.*]] = llvm.mlir.addressof @shared.barriers
    %memory = gpu.dynamic_shared_memory : memref<?xi8, #gpu.address_space<workgroup>>
    %map = builtin.unrealized_conversion_cast %a : memref<100x80xf16> to !map
    %b = nvgpu.mbarrier.create -> !barriers
    // CHECK: %[[BARRIER:.*]] = llvm.getelementptr inbounds %[[BARRIERS]]
    // CHECK: nvvm.mbarrier.init %[[BARRIER]]
    // CHECK: nvvm.fence.mbarrier.init
    nvgpu.mbarrier.init %b[%c0], %c1 : !barriers
    nvvm.fence.mbarrier.init
    gpu.barrier
    // CHECK: nvvm.mbarrier.arrive.expect_tx
    nvgpu.mbarrier.arrive.expect_tx %b[%c0], %c8192 : !barriers
    // CHECK: %[[TO:.*]] = llvm.addrspacecast %{{.*}} : !llvm.ptr<3> to !llvm.ptr<7>
    // CHECK: nvvm.cp.async.bulk.tensor.shared.cluster.global %[[TO]], %[[MAP]], %{{.*}}, box[%{{.*}}, %{{.*}}]
    %tile = memref.view %memory[%c8192][] : memref<?xi8, #gpu.address_space<workgroup>> to !tile
    nvgpu.tma.async.load %map[%c0, %c2], %b[%c0] to %tile : !map, !barriers -> !tile
    // CHECK: llvm.inline_asm {{.*}}mbarrier.try_wait.parity
    nvgpu.mbarrier.try_wait.parity %b[%c0], %even, %ticks : !barriers
    // CHECK: llvm.ptrtoint %[[MEMORY]]
    %address = memref.extract_aligned_pointer_as_index %memory : memref<?xi8, #gpu.address_space<workgroup>> -> index
    %d = arith.index_cast %address : index to i64
    // What the sums begin with is fixed in front of the loop's fence, and nothing takes them apart before the last wait.
    // CHECK: llvm.inline_asm has_side_effects "", "=f,=f,=f,=f,0,1,2,3"
    // CHECK: nvvm.wgmma.fence.aligned
    // CHECK: wgmma.mma_async.sync.aligned.m64n8k16.f32.f16.f16
    // CHECK: nvvm.wgmma.commit.group.sync.aligned
    // CHECK: nvvm.wgmma.wait.group.sync.aligned 0
    // CHECK-NEXT: llvm.extractvalue
    // CHECK: %[[SUMS:.*]] = llvm.inline_asm has_side_effects "", "=f,=f,=f,=f,0,1,2,3"
    // CHECK-NEXT: llvm.extractvalue %[[SUMS]][1]
    %zero = llvm.mlir.zero : !sums
    %sums = scf.for %i = %c0 to %c2 step %c1 iter_args(%s = %zero) -> (!sums) {
      nvvm.wgmma.fence.aligned
      %n = nvvm.wgmma.mma_async %d, %d, %s, <m = 64, n = 8, k = 16>, D[<f32>, <one>], A[<f16>, <one>, <row>], B[<f16>, <one>, <col>] : !sums -> !sums
      nvvm.wgmma.commit.group.sync.aligned
      nvvm.wgmma.wait.group.sync.aligned 1
      scf.yield %n : !sums
    }
    nvvm.wgmma.wait.group.sync.aligned 0
    %x = llvm.extractvalue %sums[1] : !sums
    memref.store %x, %r[%c0] : memref<4xf32>
    gpu.return
  }
}
}
