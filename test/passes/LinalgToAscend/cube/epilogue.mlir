// A bias per column, relu and the conversion to a narrow type are computed on the way through the cube; the bias comes first.
// RUN: cell-opt %s --linalg-to-ascend-kernels | FileCheck %s

// CHECK: gpu.launch_func @kernels::@matmul_add_cmp_select_0
// CHECK-NOT: gpu.launch_func
// CHECK: func.func @matmul_add_cmp_select_0(
// CHECK: %[[BIAS:.*]] = memref.alloc() : memref<[[N:[0-9]+]]xf32, #ascend.space<l1>>
// CHECK: ascend.load ins({{.*}}) outs(%[[BIAS]]
// CHECK: ascend.mmad_l1 {{.*}} bias(%[[BIAS]] : memref<[[N]]xf32, #ascend.space<l1>>)
// CHECK: ascend.fixpipe ins({{.*}}) outs({{.*}}xf16, strided<[64, 1]{{.*}}) relu
func.func @main(%a: memref<32x16xf16>, %b: memref<16x64xf16>, %bias: memref<64xf32>, %out: memref<32x64xf16>) {
  %z = arith.constant 0.0 : f32
  %c = memref.alloc() : memref<32x64xf32>
  linalg.fill ins(%z : f32) outs(%c : memref<32x64xf32>)
  linalg.matmul ins(%a, %b : memref<32x16xf16>, memref<16x64xf16>) outs(%c : memref<32x64xf32>)
  linalg.generic {indexing_maps = [affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (n)>, affine_map<(m, n) -> (m, n)>], iterator_types = ["parallel", "parallel"]} ins(%c, %bias : memref<32x64xf32>, memref<64xf32>) outs(%out : memref<32x64xf16>) {
  ^bb0(%x: f32, %y: f32, %o: f16):
    %s = arith.addf %x, %y : f32
    %low = arith.cmpf ole, %s, %z : f32
    %r = arith.select %low, %z, %s : f32
    %t = arith.truncf %r : f32 to f16
    linalg.yield %t : f16
  }
  return
}
