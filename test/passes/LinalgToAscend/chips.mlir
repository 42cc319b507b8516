// The number of cores is that of the chip; a chip that nobody knows is an error.
// RUN: cell-opt %s --linalg-to-ascend-kernels=chip=Ascend910B1 | FileCheck %s --check-prefix=B1
// RUN: cell-opt %s --linalg-to-ascend-kernels=chip=Ascend910B3 | FileCheck %s --check-prefix=B3
// RUN: not cell-opt %s --linalg-to-ascend-kernels=chip=Ascend1 2>&1 | FileCheck %s --check-prefix=ERR

// B1: ascend.block_dim = 48
// B3: ascend.block_dim = 40
// ERR: error: stage linalg-to-ascend-kernels: {{.*}}Ascend1
#id = affine_map<(i) -> (i)>
func.func @main(%a: memref<10000000xf32>, %b: memref<10000000xf32>) {
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%a : memref<10000000xf32>) outs(%b : memref<10000000xf32>) {
  ^bb0(%x: f32, %o: f32):
    %0 = math.sqrt %x : f32
    linalg.yield %0 : f32
  }
  return
}
