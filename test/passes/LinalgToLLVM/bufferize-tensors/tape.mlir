// RUN: cell-opt --normalize-linalg --results-to-arguments --bufferize-tensors --split-input-file %s | FileCheck %s

// What is saved is computed in the tape's memory, and read there.
// CHECK-LABEL: func @in_place
// CHECK: %[[T:.*]] = cellrt.tape_create
// CHECK: scf.for
// CHECK: %[[ITEM:.*]] = cellrt.tape_reserve %[[T]] : memref<64xf32>
// CHECK-NOT: memref.copy
// CHECK: linalg.generic {{.*}} outs(%[[ITEM]] :
// CHECK: scf.for
// CHECK: %[[BACK:.*]] = cellrt.tape_pop %[[T]] : memref<64xf32>
// CHECK-NOT: memref.copy
// CHECK: linalg.generic {{.*}} ins(%{{.*}}, %[[BACK]] :
func.func @in_place(%x: tensor<64xf32>, %n: tensor<i64>) -> tensor<64xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %ns = tensor.extract %n[] : tensor<i64>
  %ni = arith.index_cast %ns : i64 to index
  %e = tensor.empty() : tensor<64xf32>
  %t = cellrt.tape_create stride 256 : i64
  %r = scf.for %i = %c0 to %ni step %c1 iter_args(%a = %x) -> (tensor<64xf32>) {
    %s = linalg.exp ins(%a : tensor<64xf32>) outs(%e : tensor<64xf32>) -> tensor<64xf32>
    cellrt.tape_push %t, %s : tensor<64xf32>
    %m = linalg.mul ins(%a, %s : tensor<64xf32>, tensor<64xf32>) outs(%e : tensor<64xf32>) -> tensor<64xf32>
    scf.yield %m : tensor<64xf32>
  }
  %q = scf.for %i = %c0 to %ni step %c1 iter_args(%a = %r) -> (tensor<64xf32>) {
    %v = cellrt.tape_pop %t : tensor<64xf32>
    %m = linalg.mul ins(%a, %v : tensor<64xf32>, tensor<64xf32>) outs(%e : tensor<64xf32>) -> tensor<64xf32>
    scf.yield %m : tensor<64xf32>
  }
  return %q : tensor<64xf32>
}

// -----

// An item that is still read when the next one takes its place is copied out first.
// CHECK-LABEL: func @replaced
// CHECK: %[[OLD:.*]] = cellrt.tape_pop
// CHECK-NEXT: %[[COPY:.*]] = memref.alloc
// CHECK-NEXT: memref.copy %[[OLD]], %[[COPY]]
// CHECK: cellrt.tape_reserve
// CHECK: linalg.generic {{.*}} ins(%[[COPY]],
func.func @replaced(%x: tensor<64xf32>) -> tensor<64xf32> {
  %e = tensor.empty() : tensor<64xf32>
  %t = cellrt.tape_create stride 256 : i64
  cellrt.tape_push %t, %x : tensor<64xf32>
  %v = cellrt.tape_pop %t : tensor<64xf32>
  cellrt.tape_push %t, %x : tensor<64xf32>
  %m = linalg.mul ins(%v, %x : tensor<64xf32>, tensor<64xf32>) outs(%e : tensor<64xf32>) -> tensor<64xf32>
  return %m : tensor<64xf32>
}

// -----

// A tape of one iteration ends with it.
// CHECK-LABEL: func @inner
// CHECK: scf.for
// CHECK: %[[T:.*]] = cellrt.tape_create
// CHECK: cellrt.tape_pop
// CHECK: cellrt.tape_free %[[T]]
// CHECK-NEXT: scf.yield
func.func @inner(%x: tensor<64xf32>, %n: tensor<i64>) -> tensor<64xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %ns = tensor.extract %n[] : tensor<i64>
  %ni = arith.index_cast %ns : i64 to index
  %e = tensor.empty() : tensor<64xf32>
  %r = scf.for %i = %c0 to %ni step %c1 iter_args(%a = %x) -> (tensor<64xf32>) {
    %t = cellrt.tape_create stride 256 : i64
    cellrt.tape_push %t, %a : tensor<64xf32>
    %v = cellrt.tape_pop %t : tensor<64xf32>
    %m = linalg.exp ins(%v : tensor<64xf32>) outs(%e : tensor<64xf32>) -> tensor<64xf32>
    scf.yield %m : tensor<64xf32>
  }
  return %r : tensor<64xf32>
}
