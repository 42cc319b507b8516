// Gradients of math ops of two and three operands.
// REQUIRES: cell-run
// RUN: cell-run %s --input=3xf64=2,0,-3 --input=3xf64=3,0,2 | FileCheck %s

func.func private @powf(%x: tensor<3xf64>, %y: tensor<3xf64>) -> tensor<3xf64> {
  %0 = math.powf %x, %y : tensor<3xf64>
  return %0 : tensor<3xf64>
}
func.func private @fpowi(%x: tensor<3xf64>) -> tensor<3xf64> {
  %n = arith.constant dense<[3, 0, -1]> : tensor<3xi32>
  %0 = math.fpowi %x, %n : tensor<3xf64>, tensor<3xi32>
  return %0 : tensor<3xf64>
}
func.func private @atan2(%x: tensor<3xf64>, %y: tensor<3xf64>) -> tensor<3xf64> {
  %one = arith.constant dense<1.0> : tensor<3xf64>
  %z = arith.addf %y, %one : tensor<3xf64>
  %0 = math.atan2 %x, %z : tensor<3xf64>
  return %0 : tensor<3xf64>
}
func.func private @fma(%x: tensor<3xf64>, %y: tensor<3xf64>) -> tensor<3xf64> {
  %0 = math.fma %x, %y, %x : tensor<3xf64>
  return %0 : tensor<3xf64>
}
func.func private @copysign(%x: tensor<3xf64>, %y: tensor<3xf64>) -> tensor<3xf64> {
  %0 = math.copysign %x, %y : tensor<3xf64>
  return %0 : tensor<3xf64>
}
func.func private @clampf(%x: tensor<3xf64>) -> tensor<3xf64> {
  %low = arith.constant dense<-1.0> : tensor<3xf64>
  %high = arith.constant dense<1.0> : tensor<3xf64>
  %0 = math.clampf %x to [%low, %high] : tensor<3xf64>
  return %0 : tensor<3xf64>
}

func.func @main(%x: tensor<3xf64>, %y: tensor<3xf64>) -> (tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>) {
  // 0^0 has the derivative 0 by x.
  // CHECK: result 0: {{.*}} = [12, 0, -6]
  %0:2 = cell.value_and_grad @powf(%x, %y) wrt [0] outputs [0] : (tensor<3xf64>, tensor<3xf64>) -> (tensor<3xf64>, tensor<3xf64>)
  // CHECK: result 1: {{.*}} = [12, 0, -0.11111111{{[0-9]*}}]
  %1:2 = cell.value_and_grad @fpowi(%x) wrt [0] outputs [0] : (tensor<3xf64>) -> (tensor<3xf64>, tensor<3xf64>)
  // CHECK: result 2: {{.*}} = [0.2, 1, 0.16666666{{[0-9]*}}]
  // CHECK: result 3: {{.*}} = [-0.1, {{-?}}0, 0.16666666{{[0-9]*}}]
  %2:3 = cell.value_and_grad @atan2(%x, %y) wrt [0, 1] outputs [0] : (tensor<3xf64>, tensor<3xf64>) -> (tensor<3xf64>, tensor<3xf64>, tensor<3xf64>)
  // CHECK: result 4: {{.*}} = [4, 1, 3]
  // CHECK: result 5: {{.*}} = [2, 0, -3]
  %3:3 = cell.value_and_grad @fma(%x, %y) wrt [0, 1] outputs [0] : (tensor<3xf64>, tensor<3xf64>) -> (tensor<3xf64>, tensor<3xf64>, tensor<3xf64>)
  // CHECK: result 6: {{.*}} = [1, 1, -1]
  %4:2 = cell.value_and_grad @copysign(%x, %y) wrt [0] outputs [0] : (tensor<3xf64>, tensor<3xf64>) -> (tensor<3xf64>, tensor<3xf64>)
  // CHECK: result 7: {{.*}} = [0, 1, 0]
  %5:2 = cell.value_and_grad @clampf(%x) wrt [0] outputs [0] : (tensor<3xf64>) -> (tensor<3xf64>, tensor<3xf64>)
  return %0#1, %1#1, %2#1, %2#2, %3#1, %3#2, %4#1, %5#1
    : tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>
}
