// Integer powers, negative exponents included.
// REQUIRES: cell-run
// RUN: cell-run %s --pipeline=linalg-to-llvm --input=3,-2,-1,1,5,0 --input=4,3,-3,-7,-1,0 | FileCheck %s

// CHECK: result 0: tensor<6xi32> = [81, -8, -1, 1, 0, 1]
func.func @main(%x: tensor<6xi32>, %y: tensor<6xi32>) -> tensor<6xi32> {
  %e = tensor.empty() : tensor<6xi32>
  %r = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
    ins(%x, %y : tensor<6xi32>, tensor<6xi32>) outs(%e : tensor<6xi32>) {
  ^bb0(%a: i32, %b: i32, %o: i32):
    %p = math.ipowi %a, %b : i32
    linalg.yield %p : i32
  } -> tensor<6xi32>
  return %r : tensor<6xi32>
}
