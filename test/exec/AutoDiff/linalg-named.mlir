// Gradients of named linalg ops; the cotangent is 1 everywhere.
// REQUIRES: cell-run
// RUN: cell-run %s --input=2x2xf64=1,2,3,4 --input=2x2xf64=1,0,2,1 --input=1x3x3x1xf64=1,2,3,4,5,6,7,8,9 --input=2x2x1x1xf64=1,2,3,4 --input=3xf64=1,3,3 | FileCheck %s

func.func private @matmul(%a: tensor<2x2xf64>, %b: tensor<2x2xf64>) -> tensor<2x2xf64> {
  %zero = arith.constant 0.0 : f64
  %empty = tensor.empty() : tensor<2x2xf64>
  %init = linalg.fill ins(%zero : f64) outs(%empty : tensor<2x2xf64>) -> tensor<2x2xf64>
  %c = linalg.matmul ins(%a, %b : tensor<2x2xf64>, tensor<2x2xf64>) outs(%init : tensor<2x2xf64>) -> tensor<2x2xf64>
  return %c : tensor<2x2xf64>
}
func.func private @batched(%a: tensor<2x2xf64>, %b: tensor<2x2xf64>) -> tensor<1x2x2xf64> {
  %0 = tensor.expand_shape %a [[0, 1], [2]] output_shape [1, 2, 2] : tensor<2x2xf64> into tensor<1x2x2xf64>
  %1 = tensor.expand_shape %b [[0, 1], [2]] output_shape [1, 2, 2] : tensor<2x2xf64> into tensor<1x2x2xf64>
  %init = arith.constant dense<0.0> : tensor<1x2x2xf64>
  %c = linalg.batch_matmul ins(%0, %1 : tensor<1x2x2xf64>, tensor<1x2x2xf64>) outs(%init : tensor<1x2x2xf64>) -> tensor<1x2x2xf64>
  return %c : tensor<1x2x2xf64>
}
func.func private @conv(%x: tensor<1x3x3x1xf64>, %w: tensor<2x2x1x1xf64>) -> tensor<1x2x2x1xf64> {
  %init = arith.constant dense<0.0> : tensor<1x2x2x1xf64>
  %c = linalg.conv_2d_nhwc_hwcf {strides = dense<1> : tensor<2xi64>, dilations = dense<1> : tensor<2xi64>}
         ins(%x, %w : tensor<1x3x3x1xf64>, tensor<2x2x1x1xf64>) outs(%init : tensor<1x2x2x1xf64>) -> tensor<1x2x2x1xf64>
  return %c : tensor<1x2x2x1xf64>
}
func.func private @maxpool(%x: tensor<1x3x3x1xf64>) -> tensor<1x2x2x1xf64> {
  %window = tensor.empty() : tensor<2x2xf64>
  %init = arith.constant dense<0xFFF0000000000000> : tensor<1x2x2x1xf64>
  %c = linalg.pooling_nhwc_max {strides = dense<1> : tensor<2xi64>, dilations = dense<1> : tensor<2xi64>}
         ins(%x, %window : tensor<1x3x3x1xf64>, tensor<2x2xf64>) outs(%init : tensor<1x2x2x1xf64>) -> tensor<1x2x2x1xf64>
  return %c : tensor<1x2x2x1xf64>
}
func.func private @sumpool(%x: tensor<1x3x3x1xf64>) -> tensor<1x2x2x1xf64> {
  %window = tensor.empty() : tensor<2x2xf64>
  %init = arith.constant dense<0.0> : tensor<1x2x2x1xf64>
  %c = linalg.pooling_nhwc_sum {strides = dense<1> : tensor<2xi64>, dilations = dense<1> : tensor<2xi64>}
         ins(%x, %window : tensor<1x3x3x1xf64>, tensor<2x2xf64>) outs(%init : tensor<1x2x2x1xf64>) -> tensor<1x2x2x1xf64>
  return %c : tensor<1x2x2x1xf64>
}
func.func private @largest(%x: tensor<3xf64>) -> tensor<f64> {
  %init = arith.constant dense<0xFFF0000000000000> : tensor<f64>
  %r = linalg.reduce { arith.maximumf } ins(%x : tensor<3xf64>) outs(%init : tensor<f64>) dimensions = [0]
  return %r : tensor<f64>
}
func.func private @transposed(%a: tensor<2x2xf64>, %b: tensor<2x2xf64>) -> tensor<2x2xf64> {
  %empty = tensor.empty() : tensor<2x2xf64>
  %t = linalg.transpose ins(%a : tensor<2x2xf64>) outs(%empty : tensor<2x2xf64>) permutation = [1, 0]
  %m = linalg.mul ins(%t, %b : tensor<2x2xf64>, tensor<2x2xf64>) outs(%empty : tensor<2x2xf64>) -> tensor<2x2xf64>
  return %m : tensor<2x2xf64>
}
func.func private @broadcast(%x: tensor<3xf64>) -> tensor<2x3xf64> {
  %empty = tensor.empty() : tensor<2x3xf64>
  %b = linalg.broadcast ins(%x : tensor<3xf64>) outs(%empty : tensor<2x3xf64>) dimensions = [0]
  %m = linalg.map { math.exp } ins(%b : tensor<2x3xf64>) outs(%empty : tensor<2x3xf64>)
  return %m : tensor<2x3xf64>
}

func.func @main(%a: tensor<2x2xf64>, %b: tensor<2x2xf64>, %x: tensor<1x3x3x1xf64>, %w: tensor<2x2x1x1xf64>, %t: tensor<3xf64>)
    -> (tensor<2x2xf64>, tensor<2x2xf64>, tensor<2x2xf64>, tensor<1x3x3x1xf64>, tensor<2x2x1x1xf64>, tensor<1x3x3x1xf64>, tensor<1x3x3x1xf64>,
        tensor<3xf64>, tensor<2x2xf64>, tensor<3xf64>) {
  // CHECK: result 0: {{.*}} = {{\[\[}}1, 3], [1, 3]]
  // CHECK: result 1: {{.*}} = {{\[\[}}4, 4], [6, 6]]
  %0:3 = cell.value_and_grad @matmul(%a, %b) wrt [0, 1] outputs [0] : (tensor<2x2xf64>, tensor<2x2xf64>) -> (tensor<2x2xf64>, tensor<2x2xf64>, tensor<2x2xf64>)
  // CHECK: result 2: {{.*}} = {{\[\[}}4, 4], [6, 6]]
  %1:2 = cell.value_and_grad @batched(%a, %b) wrt [1] outputs [0] : (tensor<2x2xf64>, tensor<2x2xf64>) -> (tensor<1x2x2xf64>, tensor<2x2xf64>)
  // CHECK: result 3: {{.*}} = {{\[\[\[\[}}1], [3], [2]], {{\[\[}}4], [10], [6]], {{\[\[}}3], [7], [4]]]]
  // CHECK: result 4: {{.*}} = {{\[\[\[\[}}12]], {{\[\[}}16]]], {{\[\[\[}}24]], {{\[\[}}28]]]]
  %2:3 = cell.value_and_grad @conv(%x, %w) wrt [0, 1] outputs [0] : (tensor<1x3x3x1xf64>, tensor<2x2x1x1xf64>) -> (tensor<1x2x2x1xf64>, tensor<1x3x3x1xf64>, tensor<2x2x1x1xf64>)
  // CHECK: result 5: {{.*}} = {{\[\[\[\[}}0], [0], [0]], {{\[\[}}0], [1], [1]], {{\[\[}}0], [1], [1]]]]
  %3:2 = cell.value_and_grad @maxpool(%x) wrt [0] outputs [0] : (tensor<1x3x3x1xf64>) -> (tensor<1x2x2x1xf64>, tensor<1x3x3x1xf64>)
  // CHECK: result 6: {{.*}} = {{\[\[\[\[}}1], [2], [1]], {{\[\[}}2], [4], [2]], {{\[\[}}1], [2], [1]]]]
  %4:2 = cell.value_and_grad @sumpool(%x) wrt [0] outputs [0] : (tensor<1x3x3x1xf64>) -> (tensor<1x2x2x1xf64>, tensor<1x3x3x1xf64>)
  // Two elements are the largest: half each.
  // CHECK: result 7: {{.*}} = [0, 0.5, 0.5]
  %5:2 = cell.value_and_grad @largest(%t) wrt [0] outputs [0] : (tensor<3xf64>) -> (tensor<f64>, tensor<3xf64>)
  // CHECK: result 8: {{.*}} = {{\[\[}}1, 2], [0, 1]]
  %6:2 = cell.value_and_grad @transposed(%a, %b) wrt [0] outputs [0] : (tensor<2x2xf64>, tensor<2x2xf64>) -> (tensor<2x2xf64>, tensor<2x2xf64>)
  // CHECK: result 9: {{.*}} = [5.43656365{{[0-9]*}}, 40.1710738{{[0-9]*}}, 40.1710738{{[0-9]*}}]
  %7:2 = cell.value_and_grad @broadcast(%t) wrt [0] outputs [0] : (tensor<3xf64>) -> (tensor<2x3xf64>, tensor<3xf64>)
  return %0#1, %0#2, %1#1, %2#1, %2#2, %3#1, %4#1, %5#1, %6#1, %7#1
    : tensor<2x2xf64>, tensor<2x2xf64>, tensor<2x2xf64>, tensor<1x3x3x1xf64>, tensor<2x2x1x1xf64>, tensor<1x3x3x1xf64>, tensor<1x3x3x1xf64>,
      tensor<3xf64>, tensor<2x2xf64>, tensor<3xf64>
}
