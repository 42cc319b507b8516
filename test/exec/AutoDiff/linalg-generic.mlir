// Gradients of linalg.generic: bodies of scalar ops, values from outside, loop indices, accumulation into a given start, second order.
// REQUIRES: cell-run
// RUN: cell-run %s --input=3xf64=1,2,4 --input=f64=3 --input=2xf64=5,7 | FileCheck %s
#id = affine_map<(i) -> (i)>
#none = affine_map<(i) -> ()>
#row = affine_map<(i, j) -> (i)>
#column = affine_map<(i, j) -> (j)>

// sum over i of s * x_i^2 * i, where s comes from outside of the body.
func.func private @weighted(%x: tensor<3xf64>, %s: tensor<f64>) -> tensor<f64> {
  %scale = tensor.extract %s[] : tensor<f64>
  %init = arith.constant dense<0.0> : tensor<f64>
  %r = linalg.generic {indexing_maps = [#id, #none], iterator_types = ["reduction"]} ins(%x : tensor<3xf64>) outs(%init : tensor<f64>) {
  ^bb0(%e: f64, %sum: f64):
    %i = linalg.index 0 : index
    %k = arith.index_cast %i : index to i64
    %weight = arith.sitofp %k : i64 to f64
    %square = arith.mulf %e, %e : f64
    %scaled = arith.mulf %square, %scale : f64
    %term = arith.mulf %scaled, %weight : f64
    %next = arith.addf %sum, %term : f64
    linalg.yield %next : f64
  } -> tensor<f64>
  return %r : tensor<f64>
}
func.func private @slope(%x: tensor<3xf64>, %s: tensor<f64>) -> tensor<3xf64> {
  %v, %g = cell.value_and_grad @weighted(%x, %s) wrt [0] outputs [0] : (tensor<3xf64>, tensor<f64>) -> (tensor<f64>, tensor<3xf64>)
  return %g : tensor<3xf64>
}
// Row i: start_i - sum over j of start_i-independent x_j; and the largest of the row by comparison and selection.
func.func private @rows(%x: tensor<3xf64>, %start: tensor<2xf64>) -> (tensor<2xf64>, tensor<2xf64>) {
  %r:2 = linalg.generic {indexing_maps = [#column, #row, #row], iterator_types = ["parallel", "reduction"]}
           ins(%x : tensor<3xf64>) outs(%start, %start : tensor<2xf64>, tensor<2xf64>) {
  ^bb0(%e: f64, %rest: f64, %best: f64):
    %left = arith.subf %rest, %e : f64
    %double = arith.addf %e, %e : f64
    %better = arith.cmpf ogt, %double, %best : f64
    %kept = arith.select %better, %double, %best : f64
    linalg.yield %left, %kept : f64, f64
  } -> (tensor<2xf64>, tensor<2xf64>)
  return %r#0, %r#1 : tensor<2xf64>, tensor<2xf64>
}

func.func @main(%x: tensor<3xf64>, %s: tensor<f64>, %start: tensor<2xf64>)
    -> (tensor<3xf64>, tensor<f64>, tensor<3xf64>, tensor<f64>, tensor<3xf64>, tensor<2xf64>, tensor<3xf64>, tensor<2xf64>) {
  // CHECK: result 0: {{.*}} = [0, 12, 48]
  // CHECK: result 1: {{.*}} = 36
  %0:3 = cell.value_and_grad @weighted(%x, %s) wrt [0, 1] outputs [0] : (tensor<3xf64>, tensor<f64>) -> (tensor<f64>, tensor<3xf64>, tensor<f64>)
  // The derivative of the sum of the gradient.
  // CHECK: result 2: {{.*}} = [0, 6, 12]
  // CHECK: result 3: {{.*}} = 20
  %1:3 = cell.value_and_grad @slope(%x, %s) wrt [0, 1] outputs [0] : (tensor<3xf64>, tensor<f64>) -> (tensor<3xf64>, tensor<3xf64>, tensor<f64>)
  // CHECK: result 4: {{.*}} = [-2, -2, -2]
  // CHECK: result 5: {{.*}} = [1, 1]
  %2:4 = cell.value_and_grad @rows(%x, %start) wrt [0, 1] outputs [0] : (tensor<3xf64>, tensor<2xf64>) -> (tensor<2xf64>, tensor<2xf64>, tensor<3xf64>, tensor<2xf64>)
  // Both rows keep twice the last element, 8.
  // CHECK: result 6: {{.*}} = [0, 0, 4]
  // CHECK: result 7: {{.*}} = [0, 0]
  %3:4 = cell.value_and_grad @rows(%x, %start) wrt [0, 1] outputs [1] : (tensor<3xf64>, tensor<2xf64>) -> (tensor<2xf64>, tensor<2xf64>, tensor<3xf64>, tensor<2xf64>)
  return %0#1, %0#2, %1#1, %1#2, %2#2, %2#3, %3#2, %3#3
    : tensor<3xf64>, tensor<f64>, tensor<3xf64>, tensor<f64>, tensor<3xf64>, tensor<2xf64>, tensor<3xf64>, tensor<2xf64>
}
