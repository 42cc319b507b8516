// RUN: cell-opt %s -split-input-file --linalg-to-gpu="products=library" | FileCheck %s
// RUN: cell-opt %s -split-input-file --linalg-to-gpu="products=measured" | FileCheck %s --check-prefix=MEASURED
#mA = affine_map<(m, n, k) -> (m, k)>
#mB = affine_map<(m, n, k) -> (k, n)>
#mC = affine_map<(m, n, k) -> (m, n)>
#id = affine_map<(m, n) -> (m, n)>

// A product that is rounded to f16 on its way to f32 keeps that rounding (and its overflow): a kernel behind the call.

// CHECK-LABEL: func.func @rounded
// CHECK: cellrt.call "library_product"
// CHECK: gpu.launch_func
func.func @rounded(%a: tensor<64x64xf16>, %b: tensor<64x64xf16>) -> tensor<64x64xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<64x64xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<64x64xf32>) -> tensor<64x64xf32>
  %c = linalg.contract indexing_maps = [#mA, #mB, #mC] ins(%a, %b : tensor<64x64xf16>, tensor<64x64xf16>) outs(%f : tensor<64x64xf32>) -> tensor<64x64xf32>
  %r = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%c : tensor<64x64xf32>) outs(%e : tensor<64x64xf32>) {
  ^bb0(%x: f32, %z: f32):
    %s = arith.truncf %x : f32 to f16
    %t = arith.extf %s : f16 to f32
    linalg.yield %t : f32
  } -> tensor<64x64xf32>
  return %r : tensor<64x64xf32>
}

// -----

#mA = affine_map<(m, n, k) -> (m, k)>
#mB = affine_map<(m, n, k) -> (k, n)>
#mC = affine_map<(m, n, k) -> (m, n)>
#id = affine_map<(m, n) -> (m, n)>

// A relu that keeps NaN is the library's only where the library was asked for.

// CHECK-LABEL: func.func @relu
// CHECK: cellrt.call "library_product"
// CHECK-NOT: gpu.launch_func
// CHECK: return
// MEASURED-LABEL: func.func @relu
// MEASURED: cellrt.call "library_product"
// MEASURED: gpu.launch_func @kernels::@maximum_0
// MEASURED: else
func.func @relu(%a: tensor<64x64xf32>, %b: tensor<64x64xf32>) -> tensor<64x64xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<64x64xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<64x64xf32>) -> tensor<64x64xf32>
  %c = linalg.contract indexing_maps = [#mA, #mB, #mC] ins(%a, %b : tensor<64x64xf32>, tensor<64x64xf32>) outs(%f : tensor<64x64xf32>) -> tensor<64x64xf32>
  %r = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%c : tensor<64x64xf32>) outs(%e : tensor<64x64xf32>) {
  ^bb0(%x: f32, %z: f32):
    %t = arith.maximumf %x, %zero : f32
    linalg.yield %t : f32
  } -> tensor<64x64xf32>
  return %r : tensor<64x64xf32>
}
