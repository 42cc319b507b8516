// RUN: cell-opt %s --linalg-to-gpu="chip=sm_80" | FileCheck %s --check-prefix=SM80
// RUN: cell-opt %s --linalg-to-gpu="chip=sm_90" | FileCheck %s --check-prefix=SM90
// RUN: cell-opt %s --linalg-to-gpu="chip=sm_80 multiprocessors=20" | FileCheck %s --check-prefix=FEW
// RUN: not cell-opt %s --linalg-to-gpu="tf32=yes" 2>&1 | FileCheck %s --check-prefix=WORD

// Grids are those of the chip: a pointwise op fills its multiprocessors twice, and a device says how many it has.

// SM80: known_grid_size = array<i32: 1728, 1, 1>
// SM90: known_grid_size = array<i32: 2112, 1, 1>
// FEW: known_grid_size = array<i32: 320, 1, 1>
// WORD: 'tf32' is none, matmul, conv or all, not 'yes'
func.func @main(%a: tensor<16777216xf32>) -> tensor<16777216xf32> {
  %e = tensor.empty() : tensor<16777216xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]} ins(%a : tensor<16777216xf32>) outs(%e : tensor<16777216xf32>) {
  ^bb0(%x: f32, %z: f32):
    %s = arith.addf %x, %x : f32
    linalg.yield %s : f32
  } -> tensor<16777216xf32>
  return %r : tensor<16777216xf32>
}
