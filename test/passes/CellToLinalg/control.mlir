// RUN: cell-opt --convert-cell-to-linalg --canonicalize %s | FileCheck %s

// A tape is a handle that loops need not carry; the order of the program is the order of the stack.
// CHECK-LABEL: func @tape
// CHECK: %[[T:.*]] = cellrt.tape_create stride 16 : i64
// CHECK: scf.for {{.*}} -> (tensor<4xf32>) {
// CHECK: cellrt.tape_push %[[T]], %{{.*}} : tensor<4xf32>
// CHECK: scf.for {{.*}} -> (tensor<4xf32>) {
// CHECK: cellrt.tape_pop %[[T]] : tensor<4xf32>
func.func @tape(%x: tensor<4xf32>, %n: index) -> tensor<4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %t = cell.tape_create : !cell.tape<tensor<4xf32>>
  %r:2 = scf.for %i = %c0 to %n step %c1 iter_args(%a = %x, %tt = %t) -> (tensor<4xf32>, !cell.tape<tensor<4xf32>>) {
    %t1 = cell.tape_push %tt, %a : !cell.tape<tensor<4xf32>>
    %b = cell.add %a, %x : tensor<4xf32>
    scf.yield %b, %t1 : tensor<4xf32>, !cell.tape<tensor<4xf32>>
  }
  %s:2 = scf.for %i = %c0 to %n step %c1 iter_args(%a = %r#0, %tt = %r#1) -> (tensor<4xf32>, !cell.tape<tensor<4xf32>>) {
    %t1, %v = cell.tape_pop %tt : !cell.tape<tensor<4xf32>>
    %b = cell.mul %a, %v : tensor<4xf32>
    scf.yield %b, %t1 : tensor<4xf32>, !cell.tape<tensor<4xf32>>
  }
  return %s#0 : tensor<4xf32>
}

// Tapes go through functions, branches and while loops; items of unsigned integers are stored as signless ones.
// CHECK-LABEL: func private @pusher
// CHECK-SAME: (%[[T:.*]]: i64, %[[V:.*]]: tensor<2xi8>) -> i64
// CHECK: cellrt.tape_push %[[T]], %[[V]] : tensor<2xi8>
// CHECK: return %[[T]]
func.func private @pusher(%t: !cell.tape<tensor<2xui8>>, %v: tensor<2xui8>) -> !cell.tape<tensor<2xui8>> {
  %r = cell.tape_push %t, %v : !cell.tape<tensor<2xui8>>
  return %r : !cell.tape<tensor<2xui8>>
}

// CHECK-LABEL: func @through
// CHECK: cellrt.tape_create stride 2
// CHECK: scf.if
// CHECK: call @pusher
func.func @through(%c: i1, %v: tensor<2xui8>) -> tensor<2xui8> {
  %t = cell.tape_create : !cell.tape<tensor<2xui8>>
  %t0 = cell.tape_push %t, %v : !cell.tape<tensor<2xui8>>
  %t1 = scf.if %c -> (!cell.tape<tensor<2xui8>>) {
    %p = func.call @pusher(%t0, %v) : (!cell.tape<tensor<2xui8>>, tensor<2xui8>) -> !cell.tape<tensor<2xui8>>
    scf.yield %p : !cell.tape<tensor<2xui8>>
  } else {
    scf.yield %t0 : !cell.tape<tensor<2xui8>>
  }
  %t2, %r = cell.tape_pop %t1 : !cell.tape<tensor<2xui8>>
  return %r : tensor<2xui8>
}

// Starts are brought into bounds; a dimension that is taken whole needs no start.
// CHECK-LABEL: func @slice
// CHECK-DAG: %[[LAST:.*]] = arith.constant 7 : index
// CHECK-DAG: %[[ZERO:.*]] = arith.constant 0 : index
// CHECK: %[[I:.*]] = arith.index_cast %{{.*}} : i64 to index
// CHECK: %[[LOW:.*]] = arith.minsi %[[I]], %[[LAST]]
// CHECK: %[[AT:.*]] = arith.maxsi %[[LOW]], %[[ZERO]]
// CHECK: tensor.extract_slice %{{.*}}[%[[AT]], 0] [2, 3] [1, 1]
func.func @slice(%x: tensor<9x3xf32>, %i: tensor<i64>) -> tensor<2x3xf32> {
  %r = cell.dynamic_slice %x, %i, %i {sizes = array<i64: 2, 3>} : (tensor<9x3xf32>, tensor<i64>, tensor<i64>) -> tensor<2x3xf32>
  return %r : tensor<2x3xf32>
}

// CHECK-LABEL: func @update
// CHECK: arith.index_castui
// CHECK: arith.minui
// CHECK: tensor.insert_slice %{{.*}} into %{{.*}}[%{{.*}}] [2] [1]
func.func @update(%x: tensor<9xf32>, %u: tensor<2xf32>, %i: tensor<ui8>) -> tensor<9xf32> {
  %r = cell.dynamic_update %x, %u, %i : (tensor<9xf32>, tensor<2xf32>, tensor<ui8>) -> tensor<9xf32>
  return %r : tensor<9xf32>
}

// CHECK-LABEL: func @effects
// CHECK: cellrt.print "u = {}\0A"(%{{.*}}) dtypes [ui8] : tensor<2xi8>
// CHECK: cellrt.assert %{{.*}}, "holds ({{.*}}control.mlir:[[# @LINE + 5]])"
// CHECK: cellrt.barrier
func.func @effects(%u: tensor<2xui8>, %c: tensor<i1>, %x: tensor<3xf32>) -> tensor<3xf32> {
  cell.print "u = {}\n" (%u) : tensor<2xui8>

  cell.assert %c, "holds" : tensor<i1>
  %b = cell.barrier %x : tensor<3xf32>
  return %b : tensor<3xf32>
}
