// A bool is a byte in global memory and a mask in UB.
// RUN: cell-opt %s --linalg-to-ascend-kernels | FileCheck %s

// CHECK: func.func @cmp{{[a-z_]*}}_0({{.*}}: memref<4096xi8, #ascend.space<gm>>
// CHECK: ascend.vcmp <ge> ins({{.*}}) outs(%[[M:.*]] : memref<{{.*}}xi1
// CHECK: ascend.vun <not> ins(%[[M]] : {{.*}}) outs(%[[N:.*]] :
// CHECK: ascend.vcast <rint> ins(%[[N]] : {{.*}}) outs(%[[H:.*]] : memref<{{.*}}xf16
// CHECK: ascend.vcast <rint> ins(%[[H]] : {{.*}}) outs(%[[B:.*]] : memref<{{.*}}xi8
// CHECK: ascend.store ins(%[[B]] :
#id = affine_map<(i) -> (i)>
func.func @main(%a: memref<4096xf32>, %b: memref<4096xf32>, %c: memref<4096xi1>) {
  linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel"]} ins(%a, %b : memref<4096xf32>, memref<4096xf32>) outs(%c : memref<4096xi1>) {
  ^bb0(%x: f32, %y: f32, %o: i1):
    %0 = arith.cmpf ult, %x, %y : f32
    linalg.yield %0 : i1
  }
  return
}
