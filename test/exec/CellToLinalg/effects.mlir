// What a program prints comes in its order, from loops and branches too; a failed assertion ends it there.
// REQUIRES: cell-run
// RUN: cell-run %s --input=1,1,1,0.5 --input=2 | FileCheck %s
// RUN: not cell-run %s --input=1,1,1,0.5 --input=5 2>&1 | FileCheck %s --check-prefix=FAIL

// CHECK: step 0 {}: [1, 1, 1, 0.5]
// CHECK-NEXT: odd
// CHECK-NEXT: step 1 {}: [2, 2, 2, 1]
// CHECK-NEXT: end, true 255
// CHECK-NEXT: result 0: tensor<4xf32> = [3, 3, 3, 1.5]

// FAIL: step 0
// FAIL: step 2
// FAIL-NOT: {{step|odd|end|result}}
// FAIL: cell-run: assertion failed: x stays below 4 ({{.*}}effects.mlir:[[# @LINE + 18]])
func.func @main(%x: tensor<4xf32>, %n: tensor<i64>) -> tensor<4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %ns = tensor.extract %n[] : tensor<i64>
  %ni = arith.index_cast %ns : i64 to index
  %limit = cell.constant dense<4.0> : tensor<4xf32>
  %r = scf.for %i = %c0 to %ni step %c1 iter_args(%a = %x) -> (tensor<4xf32>) {
    %ii = arith.index_cast %i : index to i64
    %it = tensor.from_elements %ii : tensor<i64>
    %odd = arith.cmpi eq, %i, %c1 : index
    scf.if %odd {
      cell.print "odd\n" ()
    }
    cell.print "step {} {{}}: {}\n" (%it, %a) : tensor<i64>, tensor<4xf32>
    %b = cell.add %a, %x : tensor<4xf32>
    %l = cell.less %b, %limit : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xi1>
    %all = cell.reduce_all %l {axes = array<i64: 0>, keepdims = false} : (tensor<4xi1>) -> tensor<i1>
    cell.assert %all, "x stays below 4" : tensor<i1>
    scf.yield %b : tensor<4xf32>
  }
  %yes = cell.constant dense<true> : tensor<i1>
  %byte = cell.constant dense<255> : tensor<ui8>
  cell.print "end, {} {}\n" (%yes, %byte) : tensor<i1>, tensor<ui8>
  return %r : tensor<4xf32>
}
