// RUN: cell-run --ptx=sm_90 %s | FileCheck %s

// A loop of several threads in one kernel: each turn reads what one thread has written in the turn before, behind a barrier. It is read in the loop, not kept in a register.

// CHECK: .visible .entry small_loop_0(
// CHECK: bra.uni $L__BB0_[[TURN:[0-9]+]];
// CHECK: $L__BB0_[[TURN]]:
// CHECK-NEXT: ld.global.b32
// CHECK-NEXT: bar.sync
#scalar = affine_map<(d) -> ()>
#id = affine_map<(d) -> (d)>
func.func @main(%x: tensor<50xf32>, %s: tensor<f32>) -> (tensor<50xf32>, tensor<f32>) {
  %half = arith.constant 0.5 : f32
  %r:2 = scf.while (%a = %x, %b = %s) : (tensor<50xf32>, tensor<f32>) -> (tensor<50xf32>, tensor<f32>) {
    %v = tensor.extract %b[] : tensor<f32>
    %go = arith.cmpf ogt, %v, %half : f32
    scf.condition(%go) %a, %b : tensor<50xf32>, tensor<f32>
  } do {
  ^bb0(%a: tensor<50xf32>, %b: tensor<f32>):
    %n = linalg.generic {indexing_maps = [#scalar, #id], iterator_types = ["parallel"]} ins(%b : tensor<f32>) outs(%a : tensor<50xf32>) {
    ^bb0(%q: f32, %p: f32):
      %1 = arith.mulf %p, %q : f32
      linalg.yield %1 : f32
    } -> tensor<50xf32>
    %m = linalg.generic {indexing_maps = [affine_map<() -> ()>], iterator_types = []} outs(%b : tensor<f32>) {
    ^bb0(%p: f32):
      %1 = arith.mulf %p, %half : f32
      linalg.yield %1 : f32
    } -> tensor<f32>
    scf.yield %n, %m : tensor<50xf32>, tensor<f32>
  }
  return %r#0, %r#1 : tensor<50xf32>, tensor<f32>
}
