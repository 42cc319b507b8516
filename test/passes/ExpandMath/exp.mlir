// RUN: cell-opt %s --expand-math --mlir-print-debuginfo --mlir-print-local-scope | FileCheck %s
// RUN: cell-opt %s --expand-math=fma=false | FileCheck %s --check-prefix=PLAIN

// Only arithmetic is left, and every op stands where exp stood.
// CHECK-LABEL: func.func @exp
// CHECK-NOT: math.exp
// CHECK: arith.select {{.*}} loc("user.py":7:3)
// CHECK: math.fma {{.*}} loc("user.py":7:3)
// CHECK-NOT: loc(unknown)
// CHECK: return
// PLAIN-LABEL: func.func @exp
// PLAIN-NOT: math.fma
// PLAIN: return
func.func @exp(%x: f32) -> f32 {
  %0 = math.exp %x : f32 loc("user.py":7:3)
  return %0 : f32 loc("user.py":7:3)
} loc("user.py":6:1)
