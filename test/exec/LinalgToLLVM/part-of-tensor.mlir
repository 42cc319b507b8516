// A branch and a loop that hand on a part of a tensor: they get buffers of their own, with strides that are known.
// REQUIRES: cell-run
// RUN: cell-run %s --input=2x3xf64=1,2,3,4,5,6 --input=i1=1 --input=i64=2 | FileCheck %s

func.func @main(%x: tensor<2x3xf64>, %c: tensor<i1>, %tn: tensor<i64>) -> (tensor<2xf64>, tensor<2xf64>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %k = tensor.extract %c[] : tensor<i1>
  %n = tensor.extract %tn[] : tensor<i64>
  %trips = arith.index_cast %n : i64 to index
  %y = cell.exp %x : tensor<2x3xf64>
  %0 = scf.if %k -> tensor<2xf64> {
    %column = tensor.extract_slice %x[0, 1] [2, 1] [1, 1] : tensor<2x3xf64> to tensor<2xf64>
    scf.yield %column : tensor<2xf64>
  } else {
    %column = tensor.extract_slice %y[0, 2] [2, 1] [1, 1] : tensor<2x3xf64> to tensor<2xf64>
    scf.yield %column : tensor<2xf64>
  }
  // CHECK: result 0: {{.*}} = [4, 10]
  %1 = cell.add %0, %0 : tensor<2xf64>
  %start = tensor.extract_slice %x[0, 0] [2, 1] [1, 1] : tensor<2x3xf64> to tensor<2xf64>
  %2 = scf.for %i = %c0 to %trips step %c1 iter_args(%a = %start) -> tensor<2xf64> {
    %b = cell.mul %a, %0 : tensor<2xf64>
    scf.yield %b : tensor<2xf64>
  }
  // CHECK: result 1: {{.*}} = [4, 100]
  return %1, %2 : tensor<2xf64>, tensor<2xf64>
}
