// RUN: cell-opt --cell-to-linalg-pipeline --normalize-linalg --fuse-linalg %s | FileCheck %s

// What is computed again behind a barrier does not join the loop of the first computation, although both read %w; the barrier goes.
// CHECK-LABEL: func @main
// CHECK: linalg.generic {{.*}} outs(%{{[^,]*}} : tensor<64x64xf32>)
// CHECK: linalg.yield %{{[^,]*}} : f32
// CHECK: linalg.generic {{.*}} outs(%{{[^,]*}} : tensor<64x64xf32>)
// CHECK: linalg.yield %{{[^,]*}} : f32
// CHECK-NOT: cellrt.barrier
func.func @main(%x: tensor<64x64xf32>, %w: tensor<64x64xf32>) -> (tensor<64x64xf32>, tensor<64x64xf32>) {
  %a = cell.mul %x, %w : tensor<64x64xf32>
  %k = cell.barrier %x : tensor<64x64xf32>
  %again = cell.mul %k, %w : tensor<64x64xf32>
  %r = cell.neg %again : tensor<64x64xf32>
  return %a, %r : tensor<64x64xf32>, tensor<64x64xf32>
}
