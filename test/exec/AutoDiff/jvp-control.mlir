// Tangents through control flow against closed forms, and forward mode over the tapes of reverse mode.
// REQUIRES: cell-run
// RUN: cell-run %s --input=2xf64=0.5,2 --input=i64=3 | FileCheck %s

// x^(2^n) by a loop of n steps.
func.func private @power(%x: tensor<2xf64>, %n: tensor<i64>) -> tensor<2xf64> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %e = tensor.extract %n[] : tensor<i64>
  %end = arith.index_cast %e : i64 to index
  %r = scf.for %i = %c0 to %end step %c1 iter_args(%a = %x) -> tensor<2xf64> {
    %0 = cell.mul %a, %a : tensor<2xf64>
    scf.yield %0 : tensor<2xf64>
  }
  return %r : tensor<2xf64>
}
// x^n by a loop whose end is a condition; the branch doubles at the first step.
func.func private @steps(%x: tensor<2xf64>, %n: tensor<i64>) -> tensor<2xf64> {
  %zero = cell.constant dense<0> : tensor<i64>
  %one = cell.constant dense<1> : tensor<i64>
  %ones = cell.constant dense<1.0> : tensor<2xf64>
  %r:2 = scf.while (%i = %zero, %a = %ones) : (tensor<i64>, tensor<2xf64>) -> (tensor<i64>, tensor<2xf64>) {
    %c = cell.less %i, %n : (tensor<i64>, tensor<i64>) -> tensor<i1>
    %flag = tensor.extract %c[] : tensor<i1>
    scf.condition(%flag) %i, %a : tensor<i64>, tensor<2xf64>
  } do {
  ^bb0(%i: tensor<i64>, %a: tensor<2xf64>):
    %c = cell.equal %i, %zero : (tensor<i64>, tensor<i64>) -> tensor<i1>
    %flag = tensor.extract %c[] : tensor<i1>
    %b = scf.if %flag -> tensor<2xf64> {
      %2 = cell.add %x, %x : tensor<2xf64>
      scf.yield %2 : tensor<2xf64>
    } else {
      scf.yield %x : tensor<2xf64>
    }
    %0 = cell.mul %a, %b : tensor<2xf64>
    %1 = cell.add %i, %one : tensor<i64>
    scf.yield %1, %0 : tensor<i64>, tensor<2xf64>
  }
  return %r#1 : tensor<2xf64>
}
func.func private @slope(%x: tensor<2xf64>, %n: tensor<i64>) -> tensor<2xf64> {
  %r:2 = cell.value_and_grad @power(%x, %n) wrt [0] outputs [0] : (tensor<2xf64>, tensor<i64>) -> (tensor<2xf64>, tensor<2xf64>)
  return %r#1 : tensor<2xf64>
}
func.func private @slopeOfSteps(%x: tensor<2xf64>, %n: tensor<i64>) -> tensor<2xf64> {
  %r:2 = cell.value_and_grad @steps(%x, %n) wrt [0] outputs [0] : (tensor<2xf64>, tensor<i64>) -> (tensor<2xf64>, tensor<2xf64>)
  return %r#1 : tensor<2xf64>
}
func.func @main(%x: tensor<2xf64>, %n: tensor<i64>) -> (tensor<2xf64>, tensor<2xf64>, tensor<2xf64>, tensor<2xf64>) {
  %one = cell.constant dense<1.0> : tensor<2xf64>
  // 8 x^7
  // CHECK: result 0: {{.*}} = [0.0625, 1024]
  %0:2 = cell.jvp @power(%x, %n) tangents(%one) wrt [0] outputs [0] : (tensor<2xf64>, tensor<i64>), (tensor<2xf64>) -> (tensor<2xf64>, tensor<2xf64>)
  // 6 x^2
  // CHECK: result 1: {{.*}} = [1.5, 24]
  %1:2 = cell.jvp @steps(%x, %n) tangents(%one) wrt [0] outputs [0] : (tensor<2xf64>, tensor<i64>), (tensor<2xf64>) -> (tensor<2xf64>, tensor<2xf64>)
  // 56 x^6
  // CHECK: result 2: {{.*}} = [0.875, 3584]
  %2:2 = cell.jvp @slope(%x, %n) tangents(%one) wrt [0] outputs [0] : (tensor<2xf64>, tensor<i64>), (tensor<2xf64>) -> (tensor<2xf64>, tensor<2xf64>)
  // 12 x
  // CHECK: result 3: {{.*}} = [6, 24]
  %3:2 = cell.jvp @slopeOfSteps(%x, %n) tangents(%one) wrt [0] outputs [0] : (tensor<2xf64>, tensor<i64>), (tensor<2xf64>) -> (tensor<2xf64>, tensor<2xf64>)
  return %0#1, %1#1, %2#1, %3#1 : tensor<2xf64>, tensor<2xf64>, tensor<2xf64>, tensor<2xf64>
}
