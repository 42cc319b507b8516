// Pieces of a sum on many cores are joined some at a time where all of them do not fit into UB; with more room, in one go.
// RUN: sed s/SIZE/4096/ %s | cell-opt --linalg-to-ascend-kernels --ascend-multi-buffer --ascend-plan-memory --ascend-insert-sync --ascend-verify-kernels | FileCheck %s --check-prefixes=BOTH,SMALL
// RUN: sed s/SIZE/196608/ %s | cell-opt --linalg-to-ascend-kernels | FileCheck %s --check-prefixes=BOTH,LARGE

// BOTH: func.func @reduce_join_add
// SMALL: scf.for
// SMALL: ascend.vreduce <sum>
// LARGE-NOT: scf.for
// LARGE: ascend.load {{.*}} memref<40x256xf32
// BOTH-NOT: ascend.core = #ascend.core<aicpu>
module attributes {ascend.target = #ascend.target<"Ascend910B3", {ub_bytes = SIZE : i64, aiv_cores = 40 : i64}>} {
  func.func @main(%a: memref<4000x256xf32>, %b: memref<256xf32>) {
    %zero = arith.constant 0.0 : f32
    linalg.fill ins(%zero : f32) outs(%b : memref<256xf32>)
    linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>], iterator_types = ["reduction", "parallel"]} ins(%a : memref<4000x256xf32>) outs(%b : memref<256xf32>) {
    ^bb0(%x: f32, %o: f32):
      %0 = arith.addf %o, %x : f32
      linalg.yield %0 : f32
    }
    return
  }
}
