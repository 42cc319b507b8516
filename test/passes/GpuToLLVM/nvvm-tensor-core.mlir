// RUN: cell-opt --gpu-to-nvvm %s | FileCheck %s

gpu.module @kernels {
  // CHECK-LABEL: llvm.func @product(
  gpu.func @product(%a: memref<64x64xf16>, %n: index) workgroup(%s : memref<64x64xf16, #gpu.address_space<workgroup>>) kernel {
    %c0 = arith.constant 0 : index
    // CHECK: llvm.addrspacecast %{{.*}} : !llvm.ptr to !llvm.ptr<1>
    // CHECK: nvvm.cp.async.shared.global %{{.*}}, %{{.*}}, 16, cache = cg : !llvm.ptr<3>, !llvm.ptr<1>
    %t = nvgpu.device_async_copy %a[%c0, %n], %s[%c0, %c0], 8 {bypassL1} : memref<64x64xf16> to memref<64x64xf16, #gpu.address_space<workgroup>>
    // CHECK: nvvm.cp.async.shared.global %{{.*}}, %{{.*}}, 8, cache = ca, %{{.*}} : !llvm.ptr<3>, !llvm.ptr<1>, i32
    %u = nvgpu.device_async_copy %a[%c0, %n], %s[%c0, %n], 4, %n : memref<64x64xf16> to memref<64x64xf16, #gpu.address_space<workgroup>>
    // CHECK: nvvm.cp.async.commit.group
    %g = nvgpu.device_async_create_group %t, %u
    // CHECK: nvvm.cp.async.wait.group 0
    nvgpu.device_async_wait %g {numGroups = 0 : i32}
    // CHECK: nvvm.ldmatrix %{{.*}} {{.*}}num = 4
    %x = nvgpu.ldmatrix %s[%n, %c0] {numTiles = 4 : i32, transpose = false} : memref<64x64xf16, #gpu.address_space<workgroup>> -> vector<4x2xf16>
    // CHECK: nvvm.ldmatrix
    %y = nvgpu.ldmatrix %s[%n, %c0] {numTiles = 2 : i32, transpose = true} : memref<64x64xf16, #gpu.address_space<workgroup>> -> vector<2x2xf16>
    %z = arith.constant dense<0.0> : vector<2x2xf32>
    // CHECK: nvvm.mma.sync
    %d = nvgpu.mma.sync (%x, %y, %z) {mmaShape = [16, 8, 16]} : (vector<4x2xf16>, vector<2x2xf16>, vector<2x2xf32>) -> vector<2x2xf32>
    %e = vector.extract %d[0, 0] : f32 from vector<2x2xf32>
    %h = arith.truncf %e : f32 to f16
    memref.store %h, %a[%n, %c0] : memref<64x64xf16>
    gpu.return
  }
}
