// The reducer keeps what the test script looks for and drops the rest.
// REQUIRES: cell-reduce
// RUN: printf '#!/bin/sh\ngrep -q cell.tanh "$1" && exit 1 || exit 0\n' > %t.sh && chmod +x %t.sh
// RUN: cell-reduce %s -reduction-tree='traversal-mode=0 test=%t.sh' | FileCheck %s

// CHECK: cell.tanh
// CHECK-NOT: cell.exp
func.func @f(%a: tensor<2xf32>) -> tensor<2xf32> {
  %0 = cell.tanh %a : tensor<2xf32>
  return %0 : tensor<2xf32>
}
func.func @g(%a: tensor<2xf32>) -> tensor<2xf32> {
  %0 = cell.exp %a : tensor<2xf32>
  return %0 : tensor<2xf32>
}
