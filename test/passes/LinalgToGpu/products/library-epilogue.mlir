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

// -----

// gelu in the form with tanh, in whatever order it is written, behind a bias. Where ways are measured it stays ours.

#mA = affine_map<(m, n, k) -> (m, k)>
#mB = affine_map<(m, n, k) -> (k, n)>
#mC = affine_map<(m, n, k) -> (m, n)>
#id = affine_map<(m, n) -> (m, n)>
#column = affine_map<(m, n) -> (n)>
// CHECK-LABEL: func.func @gelu
// CHECK: cellrt.call "library_product" params [0, 2, 2, 0, 5,
// CHECK-NOT: gpu.launch_func
// CHECK: return
// MEASURED-LABEL: func.func @gelu
// MEASURED: cellrt.call "library_product" params [0, 2, 2, 0, 0,
// MEASURED: gpu.launch_func
// MEASURED: else
func.func @gelu(%a: tensor<64x64xf32>, %b: tensor<64x64xf32>, %bias: tensor<64xf32>) -> tensor<64x64xf32> {
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %half = arith.constant 0.5 : f32
  %c3 = arith.constant 0.044715 : f32
  %root = arith.constant 0.797884583 : f32
  %e = tensor.empty() : tensor<64x64xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<64x64xf32>) -> tensor<64x64xf32>
  %c = linalg.contract indexing_maps = [#mA, #mB, #mC] ins(%a, %b : tensor<64x64xf32>, tensor<64x64xf32>) outs(%f : tensor<64x64xf32>) -> tensor<64x64xf32>
  %r = linalg.generic {indexing_maps = [#column, #id, #id], iterator_types = ["parallel", "parallel"]} ins(%bias, %c : tensor<64xf32>, tensor<64x64xf32>) outs(%e : tensor<64x64xf32>) {
  ^bb0(%y: f32, %p: f32, %z: f32):
    %x = arith.addf %y, %p : f32
    %x2 = arith.mulf %x, %x : f32
    %g0 = arith.mulf %x2, %c3 : f32
    %g1 = arith.addf %g0, %one : f32
    %g2 = arith.mulf %g1, %x : f32
    %g3 = arith.mulf %g2, %root : f32
    %g4 = math.tanh %g3 : f32
    %g5 = arith.addf %g4, %one : f32
    %g6 = arith.mulf %g5, %x : f32
    %g7 = arith.mulf %g6, %half : f32
    linalg.yield %g7 : f32
  } -> tensor<64x64xf32>
  return %r : tensor<64x64xf32>
}
