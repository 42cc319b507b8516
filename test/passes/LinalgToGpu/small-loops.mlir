// A loop over scalars of the device, or over small tensors, is one kernel of one block: the host reads no condition back in its turns.
// RUN: cell-opt %s --split-input-file --linalg-to-gpu-kernels | FileCheck %s

// Newton's method: one thread. What it leaves on the host comes by way of memory.
// CHECK-LABEL: func.func @scalar(
// CHECK-NOT: scf.while
// CHECK: gpu.launch_func @kernels::@small_loop_0 blocks in (%c1{{.*}}) threads in (%c1{{.*}})
// CHECK: gpu.func @small_loop_0(
// CHECK: scf.while (%{{.*}} = %{{.*}}) : (i64) -> i64
// CHECK-NOT: gpu.barrier
// CHECK: scf.condition
// CHECK: memref.store {{.*}} : memref<1xi64>
func.func @scalar(%a: memref<f32>, %x: memref<f32>, %turns: memref<i64>) {
  %c0 = arith.constant 0 : i64
  %c1 = arith.constant 1 : i64
  %cst = arith.constant 0.5 : f32
  %0:2 = scf.while (%y = %x, %n = %c0) : (memref<f32>, i64) -> (memref<f32>, i64) {
    %ok = memref.alloc() : memref<i1>
    linalg.generic {indexing_maps = [affine_map<() -> ()>, affine_map<() -> ()>, affine_map<() -> ()>], iterator_types = []} ins(%y, %a : memref<f32>, memref<f32>) outs(%ok : memref<i1>) {
    ^bb0(%p: f32, %q: f32, %o: i1):
      %1 = arith.cmpf ogt, %p, %q : f32
      linalg.yield %1 : i1
    }
    %go = memref.load %ok[] : memref<i1>
    scf.condition(%go) %y, %n : memref<f32>, i64
  } do {
  ^bb0(%y: memref<f32>, %n: i64):
    linalg.generic {indexing_maps = [affine_map<() -> ()>], iterator_types = []} outs(%y : memref<f32>) {
    ^bb0(%p: f32):
      %1 = arith.mulf %p, %cst : f32
      linalg.yield %1 : f32
    }
    %next = arith.addi %n, %c1 : i64
    scf.yield %y, %next : memref<f32>, i64
  }
  memref.store %0#1, %turns[] : memref<i64>
  return
}

// -----

// Small tensors: threads share the elements, and wait between ops and behind the condition.
// CHECK-LABEL: func.func @elements(
// CHECK-NOT: scf.while
// CHECK: gpu.launch_func @kernels::@small_loop_0 blocks in (%c1{{.*}}) threads in (%c64{{.*}})
// CHECK: gpu.func @small_loop_0(
// CHECK: scf.while
// CHECK: gpu.barrier
// CHECK: gpu.shuffle
// CHECK: gpu.barrier
// CHECK: memref.load
// CHECK: gpu.barrier
// CHECK: scf.condition
// CHECK: gpu.barrier
// CHECK: scf.yield
func.func @elements(%x: memref<50xf32>) {
  %false = arith.constant false
  %cst = arith.constant 0.5 : f32
  %any = memref.alloc() : memref<i1>
  scf.while : () -> () {
    linalg.fill ins(%false : i1) outs(%any : memref<i1>)
    linalg.generic {indexing_maps = [affine_map<(d) -> (d)>, affine_map<(d) -> ()>], iterator_types = ["reduction"]} ins(%x : memref<50xf32>) outs(%any : memref<i1>) {
    ^bb0(%p: f32, %o: i1):
      %1 = arith.cmpf ogt, %p, %cst : f32
      %2 = arith.ori %o, %1 : i1
      linalg.yield %2 : i1
    }
    %go = memref.load %any[] : memref<i1>
    scf.condition(%go)
  } do {
    linalg.generic {indexing_maps = [affine_map<(d) -> (d)>], iterator_types = ["parallel"]} outs(%x : memref<50xf32>) {
    ^bb0(%p: f32):
      %1 = arith.mulf %p, %cst : f32
      linalg.yield %1 : f32
    }
    scf.yield
  }
  return
}

// -----

// Large tensors are the business of the whole device.
// CHECK-LABEL: func.func @large(
// CHECK: scf.for
// CHECK: gpu.launch_func @kernels::@mul_0
func.func @large(%x: memref<5000xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c9 = arith.constant 9 : index
  scf.for %i = %c0 to %c9 step %c1 {
    linalg.generic {indexing_maps = [affine_map<(d) -> (d)>], iterator_types = ["parallel"]} outs(%x : memref<5000xf32>) {
    ^bb0(%p: f32):
      %1 = arith.mulf %p, %p : f32
      linalg.yield %1 : f32
    }
  }
  return
}

// -----

// Numbers of the host alone are no kernel.
// CHECK-LABEL: func.func @host(
// CHECK: scf.while
// CHECK-NOT: gpu.launch_func
// CHECK: return
func.func @host(%n: i64) -> i64 {
  %c1 = arith.constant 1 : i64
  %r = scf.while (%i = %c1) : (i64) -> i64 {
    %square = arith.muli %i, %i : i64
    %go = arith.cmpi slt, %square, %n : i64
    scf.condition(%go) %i : i64
  } do {
  ^bb0(%i: i64):
    %next = arith.addi %i, %c1 : i64
    scf.yield %next : i64
  }
  return %r : i64
}
