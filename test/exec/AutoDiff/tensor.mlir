// Gradients of tensor ops; each function squares what it moved, so that the gradient is twice the operand where it went.
// REQUIRES: cell-run
// RUN: cell-run %s --input=2x3xf64=1,2,3,4,5,6 --input=2xf64=10,20 --input=f64=3 | FileCheck %s

func.func private @element(%x: tensor<2x3xf64>) -> f64 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %0 = tensor.extract %x[%c1, %c2] : tensor<2x3xf64>
  %1 = tensor.extract %x[%c0, %c1] : tensor<2x3xf64>
  %2 = arith.mulf %0, %1 : f64
  %3 = arith.mulf %0, %2 : f64
  return %3 : f64
}
func.func private @inserted(%x: tensor<2x3xf64>, %s: f64) -> tensor<2x3xf64> {
  %c0 = arith.constant 0 : index
  %0 = tensor.insert %s into %x[%c0, %c0] : tensor<2x3xf64>
  %1 = arith.mulf %0, %0 : tensor<2x3xf64>
  return %1 : tensor<2x3xf64>
}
func.func private @slice(%x: tensor<2x3xf64>) -> tensor<2xf64> {
  %0 = tensor.extract_slice %x[0, 2] [2, 1] [1, 1] : tensor<2x3xf64> to tensor<2xf64>
  %1 = arith.mulf %0, %0 : tensor<2xf64>
  return %1 : tensor<2xf64>
}
func.func private @slices(%x: tensor<2x3xf64>, %y: tensor<2xf64>) -> tensor<2x3xf64> {
  %0 = tensor.insert_slice %y into %x[0, 1] [2, 1] [1, 1] : tensor<2xf64> into tensor<2x3xf64>
  %1 = arith.mulf %0, %0 : tensor<2x3xf64>
  return %1 : tensor<2x3xf64>
}
func.func private @scalars(%s: f64) -> tensor<2x2xf64> {
  %one = arith.constant 1.0 : f64
  %0 = tensor.from_elements %one, %s : tensor<2xf64>
  %1 = tensor.splat %s : tensor<2x2xf64>
  %2 = tensor.expand_shape %0 [[0, 1]] output_shape [1, 2] : tensor<2xf64> into tensor<1x2xf64>
  %3 = tensor.insert_slice %2 into %1[0, 0] [1, 2] [1, 1] : tensor<1x2xf64> into tensor<2x2xf64>
  return %3 : tensor<2x2xf64>
}
func.func private @joined(%x: tensor<2x3xf64>, %y: tensor<2xf64>, %s: f64) -> tensor<4x4xf64> {
  %0 = tensor.expand_shape %y [[0, 1]] output_shape [2, 1] : tensor<2xf64> into tensor<2x1xf64>
  %1 = tensor.concat dim(1) %0, %x : (tensor<2x1xf64>, tensor<2x3xf64>) -> tensor<2x4xf64>
  %2 = tensor.pad %1 low[1, 0] high[1, 0] {
  ^bb0(%i: index, %j: index):
    tensor.yield %s : f64
  } : tensor<2x4xf64> to tensor<4x4xf64>
  %3 = arith.mulf %2, %2 : tensor<4x4xf64>
  return %3 : tensor<4x4xf64>
}
func.func private @flat(%x: tensor<2x3xf64>) -> tensor<6xf64> {
  %0 = tensor.collapse_shape %x [[0, 1]] : tensor<2x3xf64> into tensor<6xf64>
  %1 = tensor.cast %0 : tensor<6xf64> to tensor<?xf64>
  %2 = tensor.cast %1 : tensor<?xf64> to tensor<6xf64>
  %3 = arith.mulf %2, %2 : tensor<6xf64>
  return %3 : tensor<6xf64>
}
func.func private @generated(%s: f64) -> tensor<4xf64> {
  %0 = tensor.generate {
  ^bb0(%i: index):
    %1 = arith.index_cast %i : index to i64
    %2 = arith.sitofp %1 : i64 to f64
    %3 = arith.mulf %2, %s : f64
    tensor.yield %3 : f64
  } : tensor<4xf64>
  return %0 : tensor<4xf64>
}

func.func @main(%x: tensor<2x3xf64>, %y: tensor<2xf64>, %ts: tensor<f64>)
    -> (tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2xf64>, tensor<4xf64>, tensor<2x3xf64>, tensor<2xf64>, tensor<2x3xf64>) {
  %s = tensor.extract %ts[] : tensor<f64>
  // CHECK: result 0: {{.*}} = {{\[\[}}0, 36, 0], [0, 0, 24]]
  %0:2 = cell.value_and_grad @element(%x) wrt [0] outputs [0] : (tensor<2x3xf64>) -> (f64, tensor<2x3xf64>)
  // CHECK: result 1: {{.*}} = {{\[\[}}0, 4, 6], [8, 10, 12]]
  %1:3 = cell.value_and_grad @inserted(%x, %s) wrt [0, 1] outputs [0] : (tensor<2x3xf64>, f64) -> (tensor<2x3xf64>, tensor<2x3xf64>, f64)
  // CHECK: result 2: {{.*}} = {{\[\[}}0, 0, 6], [0, 0, 12]]
  %2:2 = cell.value_and_grad @slice(%x) wrt [0] outputs [0] : (tensor<2x3xf64>) -> (tensor<2xf64>, tensor<2x3xf64>)
  // CHECK: result 3: {{.*}} = {{\[\[}}2, 0, 6], [8, 0, 12]]
  // CHECK: result 4: {{.*}} = [20, 40]
  %3:3 = cell.value_and_grad @slices(%x, %y) wrt [0, 1] outputs [0] : (tensor<2x3xf64>, tensor<2xf64>) -> (tensor<2x3xf64>, tensor<2x3xf64>, tensor<2xf64>)
  %4:2 = cell.value_and_grad @scalars(%s) wrt [0] outputs [0] : (f64) -> (tensor<2x2xf64>, f64)
  %5:4 = cell.value_and_grad @joined(%x, %y, %s) wrt [0, 1, 2] outputs [0] : (tensor<2x3xf64>, tensor<2xf64>, f64) -> (tensor<4x4xf64>, tensor<2x3xf64>, tensor<2xf64>, f64)
  %6:2 = cell.value_and_grad @flat(%x) wrt [0] outputs [0] : (tensor<2x3xf64>) -> (tensor<6xf64>, tensor<2x3xf64>)
  %7:2 = cell.value_and_grad @generated(%s) wrt [0] outputs [0] : (f64) -> (tensor<4xf64>, f64)
  // By the scalar: inserted once, three times in @scalars, eight times the padding, 0 + 1 + 2 + 3.
  // CHECK: result 5: {{.*}} = [6, 3, 48, 6]
  %all = tensor.from_elements %1#2, %4#1, %5#3, %7#1 : tensor<4xf64>
  // CHECK: result 6: {{.*}} = {{\[\[}}2, 4, 6], [8, 10, 12]]
  // CHECK: result 7: {{.*}} = [20, 40]
  // CHECK: result 8: {{.*}} = {{\[\[}}2, 4, 6], [8, 10, 12]]
  return %0#1, %1#1, %2#1, %3#1, %3#2, %all, %5#1, %5#2, %6#1
    : tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2xf64>, tensor<4xf64>, tensor<2x3xf64>, tensor<2xf64>, tensor<2x3xf64>
}
