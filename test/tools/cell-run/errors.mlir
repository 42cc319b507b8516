// What cannot be run is refused with a message, never with a crash.
// REQUIRES: cell-run
// RUN: split-file %s %t
// RUN: not cell-run %t/add.mlir --input=1 2>&1 | FileCheck %s --check-prefix=COUNT
// RUN: not cell-run %t/add.mlir --input=1 --input=1,2 2>&1 | FileCheck %s --check-prefix=NUMBER
// RUN: not cell-run %t/add.mlir --input=1 --input=3xf64=1 2>&1 | FileCheck %s --check-prefix=TYPE
// RUN: not cell-run %t/add.mlir --input=1 --input=one 2>&1 | FileCheck %s --check-prefix=VALUE
// RUN: not cell-run %t/add.mlir --input=1 --input=%t/add.npy 2>&1 | FileCheck %s --check-prefix=FILE
// RUN: not cell-run %t/add.mlir --input=1 --input=rand:x 2>&1 | FileCheck %s --check-prefix=RAND
// RUN: not cell-run %t/two.mlir --input=1 2>&1 | FileCheck %s --check-prefix=TWO
// RUN: not cell-run %t/dynamic.mlir --input=1 2>&1 | FileCheck %s --check-prefix=DYNAMIC
// RUN: not cell-run %t/huge.mlir --input=1 2>&1 | FileCheck %s --check-prefix=HUGE
// RUN: not cell-run %t/none.mlir 2>&1 | FileCheck %s --check-prefix=NONE
// RUN: not cell-run %t/missing.mlir 2>&1 | FileCheck %s --check-prefix=MISSING
// RUN: not cell-run %t/add.mlir --input=1 --input=1 --pipeline=no-such-pipeline 2>&1 | FileCheck %s --check-prefix=PIPELINE
// RUN: not cell-run %t/add.mlir --input=1 --input=1 --runtime-library=%t/none.so 2>&1 | FileCheck %s --check-prefix=RUNTIME
// RUN: not cell-run %t/add.mlir --input=1 --input=1 --sim=checked 2>&1 | FileCheck %s --check-prefix=SIM
// RUN: not cell-run %t/add.mlir --input=1 --input=1 --target=ascend --trace=a,b 2>&1 | FileCheck %s --check-prefix=COMMA

// COUNT: cell-run: @f takes 2 arguments, 1 --input given
// NUMBER: cell-run: argument 1: 2 values given for 3 elements of tensor<3xf32>
// TYPE: cell-run: argument 1: '3xf64' given, but the function takes 3xf32
// VALUE: cell-run: argument 1: 'one' is not a value of f32
// FILE: cell-run: argument 1: {{.*}}add.npy: No such file or directory
// RAND: cell-run: argument 1: random input is written rand, rand:seed or rand:seed:low:high
// TWO: cell-run: @f and @g are both public; make all but the entry private
// DYNAMIC: cell-run: argument 0: only ranked tensors of static shape can be run, not tensor<?xf32>
// HUGE: cell-run: argument 0: {{.*}} is too large for memory
// NONE: cell-run: the file has no public func.func to run
// MISSING: missing.mlir
// PIPELINE: no-such-pipeline
// SIM: cell-run: --sim is for --target=gpu-sim and --target=ascend
// COMMA: cell-run: --trace: the name of the file has a comma
// RUNTIME: cell-run: {{.*}}none.so

//--- add.mlir
func.func @f(%a: tensor<3xf32>, %b: tensor<3xf32>) -> tensor<3xf32> {
  %0 = cell.add %a, %b : tensor<3xf32>
  return %0 : tensor<3xf32>
}
//--- two.mlir
func.func @f(%a: tensor<3xf32>) -> tensor<3xf32> {
  return %a : tensor<3xf32>
}
func.func @g(%a: tensor<3xf32>) -> tensor<3xf32> {
  return %a : tensor<3xf32>
}
//--- dynamic.mlir
func.func @f(%a: tensor<?xf32>) -> tensor<?xf32> {
  return %a : tensor<?xf32>
}
//--- huge.mlir
func.func @f(%a: tensor<1000000x1000000x1000000xf32>) -> tensor<f32> {
  %0 = cell.constant dense<0.0> : tensor<f32>
  return %0 : tensor<f32>
}
//--- none.mlir
module {}
