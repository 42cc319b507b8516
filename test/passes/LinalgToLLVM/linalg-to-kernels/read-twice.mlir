// RUN: cell-opt %s --linalg-to-kernels | FileCheck %s
// A buffer that is an operand and that the body reads elsewhere as well is two arguments: elements in a row, and the buffer with its type.

#id = affine_map<(d0, d1) -> (d0, d1)>
// CHECK: func.func private @{{.*}}(%{{.*}}: memref<12xf64>{{.*}}, %{{.*}}: memref<12xf64>{{.*}}, %[[X:.*]]: memref<4x3xf64>
// CHECK: memref.load %[[X]][%{{.*}}, %{{.*}}] : memref<4x3xf64>
func.func @f(%x: memref<4x3xf64>, %y: memref<4x3xf64>) {
  %c2 = arith.constant 2 : index
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%x : memref<4x3xf64>) outs(%y : memref<4x3xf64>) {
  ^bb0(%in: f64, %out: f64):
    %i = linalg.index 0 : index
    %j = linalg.index 1 : index
    %k = arith.subi %c2, %j : index
    %v = memref.load %x[%i, %k] : memref<4x3xf64>
    %s = arith.addf %v, %in : f64
    linalg.yield %s : f64
  }
  return
}
