// RUN: cell-opt --cell-to-linalg-pipeline --normalize-linalg --fuse-linalg --results-to-arguments --bufferize-tensors --split-input-file %s | FileCheck %s

// A loop that updates one row per iteration moves rows, not the tensor, also where the row before is read.
// CHECK-LABEL: func @scan
// CHECK: scf.for
// CHECK-NOT: memref.copy {{.*}}memref<1000x8xf32>
// CHECK-NOT: memref.alloc() {{.*}}memref<1000x8xf32>
// CHECK: scf.yield
func.func @scan(%x: tensor<1000x8xf32>, %count: tensor<i64>) -> tensor<1000x8xf32> {
  %number = tensor.extract %count[] : tensor<i64>
  %n = arith.index_cast %number : i64 to index
  %c1 = arith.constant 1 : index
  %z = cell.constant dense<0> : tensor<i64>
  %o = cell.constant dense<1> : tensor<i64>
  %r = scf.for %i = %c1 to %n step %c1 iter_args(%a = %x) -> (tensor<1000x8xf32>) {
    %ii = arith.index_cast %i : index to i64
    %it = tensor.from_elements %ii : tensor<i64>
    %p = cell.sub %it, %o : tensor<i64>
    %row = cell.dynamic_slice %a, %p, %z {sizes = array<i64: 1, 8>} : (tensor<1000x8xf32>, tensor<i64>, tensor<i64>) -> tensor<1x8xf32>
    %new = cell.exp %row : tensor<1x8xf32>
    %u = cell.dynamic_update %a, %new, %it, %z : (tensor<1000x8xf32>, tensor<1x8xf32>, tensor<i64>, tensor<i64>) -> tensor<1000x8xf32>
    scf.yield %u : tensor<1000x8xf32>
  }
  return %r : tensor<1000x8xf32>
}

// -----

// The same in a branch, with a reader of the old row that stands behind it.
// CHECK-LABEL: func @branch
// CHECK: scf.for
// CHECK-NOT: memref.copy {{.*}}memref<1000x8xf32> to
// CHECK-NOT: memref.alloc() {{.*}}memref<1000x8xf32>
// CHECK: scf.if
// CHECK-NOT: memref.copy {{.*}}memref<1000x8xf32> to
// CHECK-NOT: memref.alloc() {{.*}}memref<1000x8xf32>
// CHECK: scf.yield {{.*}} : memref<1000x8xf32>, memref<1x8xf32>
func.func @branch(%x: tensor<1000x8xf32>, %y: tensor<1x8xf32>, %count: tensor<i64>, %flag: tensor<i1>) -> (tensor<1000x8xf32>, tensor<1x8xf32>) {
  %number = tensor.extract %count[] : tensor<i64>
  %n = arith.index_cast %number : i64 to index
  %c = tensor.extract %flag[] : tensor<i1>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %z = cell.constant dense<0> : tensor<i64>
  %r:2 = scf.for %i = %c0 to %n step %c1 iter_args(%a = %x, %s = %y) -> (tensor<1000x8xf32>, tensor<1x8xf32>) {
    %ii = arith.index_cast %i : index to i64
    %it = tensor.from_elements %ii : tensor<i64>
    %row = cell.dynamic_slice %a, %it, %z {sizes = array<i64: 1, 8>} : (tensor<1000x8xf32>, tensor<i64>, tensor<i64>) -> tensor<1x8xf32>
    %q = scf.if %c -> (tensor<1000x8xf32>) {
      %new = cell.add %row, %s : tensor<1x8xf32>
      %u = cell.dynamic_update %a, %new, %it, %z : (tensor<1000x8xf32>, tensor<1x8xf32>, tensor<i64>, tensor<i64>) -> tensor<1000x8xf32>
      scf.yield %u : tensor<1000x8xf32>
    } else {
      scf.yield %a : tensor<1000x8xf32>
    }
    %t = cell.add %s, %row : tensor<1x8xf32>
    scf.yield %q, %t : tensor<1000x8xf32>, tensor<1x8xf32>
  }
  return %r#0, %r#1 : tensor<1000x8xf32>, tensor<1x8xf32>
}
