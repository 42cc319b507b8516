// Long reductions run in pieces whose sums are added: all of a large tensor, its columns (few, so that pieces pay) and its rows.
// REQUIRES: cell-run
// RUN: cell-run %s --pipeline=linalg-to-llvm | FileCheck %s

// CHECK: result 0: tensor<i64> = 400000
// CHECK: result 1: tensor<4xi64> = [100000, 100000, 100000, 100000]
// CHECK: result 2: tensor<i64> = 399999
func.func @main() -> (tensor<i64>, tensor<4xi64>, tensor<i64>) {
  %one = arith.constant dense<1> : tensor<100000x4xi64>
  %zero = arith.constant dense<0> : tensor<i64>
  %zeros = arith.constant dense<0> : tensor<4xi64>
  %e = tensor.empty() : tensor<100000x4xi64>
  %number = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]} outs(%e : tensor<100000x4xi64>) {
  ^bb0(%o: i64):
    %i = linalg.index 0 : index
    %j = linalg.index 1 : index
    %four = arith.constant 4 : index
    %k = arith.muli %i, %four : index
    %n = arith.addi %k, %j : index
    %v = arith.index_cast %n : index to i64
    linalg.yield %v : i64
  } -> tensor<100000x4xi64>
  %all = linalg.reduce ins(%one : tensor<100000x4xi64>) outs(%zero : tensor<i64>) dimensions = [0, 1] (%a: i64, %b: i64) {
    %s = arith.addi %a, %b : i64
    linalg.yield %s : i64
  }
  %columns = linalg.reduce ins(%one : tensor<100000x4xi64>) outs(%zeros : tensor<4xi64>) dimensions = [0] (%a: i64, %b: i64) {
    %s = arith.addi %a, %b : i64
    linalg.yield %s : i64
  }
  %largest = linalg.reduce ins(%number : tensor<100000x4xi64>) outs(%zero : tensor<i64>) dimensions = [0, 1] (%a: i64, %b: i64) {
    %s = arith.maxsi %a, %b : i64
    linalg.yield %s : i64
  }
  return %all, %columns, %largest : tensor<i64>, tensor<4xi64>, tensor<i64>
}
