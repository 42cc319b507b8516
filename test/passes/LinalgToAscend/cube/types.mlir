// i8 is added up in i32; f64 is nothing for the cube, and the remark says so.
// RUN: cell-opt %s --linalg-to-ascend-kernels 2>&1 | FileCheck %s

// CHECK: remark: {{.*}} runs on the AI CPU: the cube multiplies f16, bf16 and f32 (in f32) and i8 (in i32), not f64 times f64 in f64
// CHECK: ascend.nd2nz {{.*}} outs(%{{.*}} : memref<1x{{[12]}}x16x32xi8, #ascend.space<l1>>)
// CHECK: ascend.mmad_l1 {{.*}} outs(%{{.*}} : memref<{{.*}}x16x16xi32, #ascend.space<l0c>>)
func.func @bytes(%a: memref<32x32xi8>, %b: memref<32x32xi8>, %c: memref<32x32xi32>) {
  %z = arith.constant 0 : i32
  linalg.fill ins(%z : i32) outs(%c : memref<32x32xi32>)
  linalg.matmul ins(%a, %b : memref<32x32xi8>, memref<32x32xi8>) outs(%c : memref<32x32xi32>)
  return
}

func.func @doubles(%a: memref<32x64xf64>, %b: memref<64x32xf64>, %c: memref<32x32xf64>) {
  %z = arith.constant 0.0 : f64
  linalg.fill ins(%z : f64) outs(%c : memref<32x32xf64>)
  linalg.matmul ins(%a, %b : memref<32x64xf64>, memref<64x32xf64>) outs(%c : memref<32x32xf64>)
  return
}
