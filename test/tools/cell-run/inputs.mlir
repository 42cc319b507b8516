// Inputs of every kind reach the function; results are printed and saved.
// REQUIRES: cell-run
// RUN: cell-run %s --input=2x2xf32=1,2,3,4 --input=0.5 --input=2xi64=-7,8 --input=true --save-npy=%t. | FileCheck %s
// RUN: cell-run %s --input=%t.0.npy --input=0 --input=1 --input=false | FileCheck %s --check-prefix=AGAIN
// RUN: cell-run %s --input=rand:5 --input=rand:5:0:1 --input=rand --input=rand --print-limit=1 | FileCheck %s --check-prefix=RAND

// CHECK: result 0: tensor<2x2xf32> = {{\[\[}}1.5, 2.5], [3.5, 4.5]]
// CHECK: result 1: tensor<2xi64> = [7, -8]
// CHECK: result 2: tensor<i1> = false
// AGAIN: result 0: tensor<2x2xf32> = {{\[\[}}1.5, 2.5], [3.5, 4.5]]
// AGAIN: result 1: tensor<2xi64> = [-1, -1]
// AGAIN: result 2: tensor<i1> = true
// RAND: result 0: tensor<2x2xf32> = {{\[\[}}{{-?[0-9.e-]+}}, ... (4 elements, 1 shown)
func.func @main(%a: tensor<2x2xf32>, %b: tensor<2x2xf32>, %i: tensor<2xi64>, %c: tensor<i1>) -> (tensor<2x2xf32>, tensor<2xi64>, tensor<i1>) {
  %0 = cell.add %a, %b : tensor<2x2xf32>
  %1 = cell.neg %i : tensor<2xi64>
  %2 = cell.logical_not %c : tensor<i1>
  return %0, %1, %2 : tensor<2x2xf32>, tensor<2xi64>, tensor<i1>
}
