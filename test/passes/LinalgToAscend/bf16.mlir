// bf16 is computed in f32: cast where it comes in and where it goes out, not in between.
// RUN: cell-opt %s --linalg-to-ascend-kernels | FileCheck %s

// CHECK: ascend.load
// CHECK: ascend.vcast <rint> ins(%{{.*}} : memref<{{.*}}xbf16{{.*}}) outs(%[[X:.*]] : memref<{{.*}}xf32
// CHECK-NOT: ascend.vcast
// CHECK: ascend.vbin <mul>
// CHECK-NOT: ascend.vcast
// CHECK: ascend.vun <exp>
// CHECK: ascend.vcast <rint> ins(%{{.*}} : memref<{{.*}}xf32{{.*}}) outs(%[[Y:.*]] : memref<{{.*}}xbf16
// CHECK: ascend.store ins(%[[Y]] :
#id = affine_map<(i) -> (i)>
func.func @main(%a: memref<4096xbf16>, %b: memref<4096xbf16>) {
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%a : memref<4096xbf16>) outs(%b : memref<4096xbf16>) {
  ^bb0(%x: bf16, %o: bf16):
    %0 = arith.mulf %x, %x : bf16
    %1 = math.exp %0 : bf16
    linalg.yield %1 : bf16
  }
  return
}
