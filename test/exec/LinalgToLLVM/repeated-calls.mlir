// Five calls of one function with more operands than registers hold take their operands from a table. The first reads an argument of the program where the others
// read the result before, the last writes a result of the program where the others write scratch memory.
// REQUIRES: cell-run
// RUN: cell-run %s --pipeline=linalg-to-llvm --input=1,2 --input=2,3 --input=1,0 --input=1,2 --input=0,1 --input=3,5 | FileCheck %s

// x = ((x * a + b) * c + d) - e, with the other weights in each second step.
// CHECK: result 0: tensor<2xf32> = [-6, -4]
// CHECK: result 1: tensor<2xf32> = [-8, -4]
#id = affine_map<(d0) -> (d0)>
func.func private @layer(%x: tensor<2xf32>, %a: tensor<2xf32>, %b: tensor<2xf32>, %c: tensor<2xf32>, %d: tensor<2xf32>, %e: tensor<2xf32>) -> tensor<2xf32> {
  %empty = tensor.empty() : tensor<2xf32>
  %y = linalg.generic {indexing_maps = [#id, #id, #id, #id, #id, #id, #id], iterator_types = ["parallel"]}
      ins(%x, %a, %b, %c, %d, %e : tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) outs(%empty : tensor<2xf32>) {
  ^bb0(%vx: f32, %va: f32, %vb: f32, %vc: f32, %vd: f32, %ve: f32, %out: f32):
    %0 = arith.mulf %vx, %va : f32
    %1 = arith.addf %0, %vb : f32
    %2 = arith.mulf %1, %vc : f32
    %3 = arith.addf %2, %vd : f32
    %4 = arith.subf %3, %ve : f32
    linalg.yield %4 : f32
  } -> tensor<2xf32>
  return %y : tensor<2xf32>
}

func.func @main(%x: tensor<2xf32>, %a: tensor<2xf32>, %b: tensor<2xf32>, %c: tensor<2xf32>, %d: tensor<2xf32>, %e: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>) {
  %1 = call @layer(%x, %a, %b, %c, %d, %e) : (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %2 = call @layer(%1, %b, %a, %d, %c, %e) : (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %3 = call @layer(%2, %a, %b, %c, %d, %e) : (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %4 = call @layer(%3, %b, %a, %d, %c, %e) : (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %5 = call @layer(%4, %a, %b, %c, %d, %e) : (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %empty = tensor.empty() : tensor<2xf32>
  %sum = linalg.add ins(%4, %5 : tensor<2xf32>, tensor<2xf32>) outs(%empty : tensor<2xf32>) -> tensor<2xf32>
  return %5, %sum : tensor<2xf32>, tensor<2xf32>
}
