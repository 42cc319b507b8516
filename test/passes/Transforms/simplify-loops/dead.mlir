// RUN: cell-opt --cell-simplify-loops %s | FileCheck %s

// A value that only feeds itself goes, and the tape that nobody pops.
// CHECK-LABEL: func @loop
// CHECK-NOT: tape
// CHECK: %[[R:.*]] = scf.for {{.*}} iter_args(%[[A:.*]] = %arg0) -> (tensor<2xf32>) {
// CHECK-NEXT: %[[N:.*]] = cell.neg %[[A]]
// CHECK-NEXT: scf.yield %[[N]] : tensor<2xf32>
// CHECK-NEXT: }
// CHECK-NEXT: return %[[R]]
func.func @loop(%x: tensor<2xf32>, %n: index) -> tensor<2xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %t = cell.tape_create : !cell.tape<tensor<2xf32>>
  %r:3 = scf.for %i = %c0 to %n step %c1 iter_args(%a = %x, %b = %x, %tt = %t) -> (tensor<2xf32>, tensor<2xf32>, !cell.tape<tensor<2xf32>>) {
    %e = cell.exp %b : tensor<2xf32>
    %t1 = cell.tape_push %tt, %e : !cell.tape<tensor<2xf32>>
    %s = cell.neg %a : tensor<2xf32>
    scf.yield %s, %e, %t1 : tensor<2xf32>, tensor<2xf32>, !cell.tape<tensor<2xf32>>
  }
  return %r#0 : tensor<2xf32>
}

// A loop for nothing goes as a whole; one that prints stays, without what it carries.
// CHECK-LABEL: func @effects
// CHECK-NOT: cell.exp
// CHECK: scf.for {{.*}} {
// CHECK-NEXT: cell.print {{.*}}
// CHECK-NEXT: }
// CHECK-NEXT: return
func.func @effects(%x: tensor<2xf32>, %n: index) -> tensor<2xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%a = %x) -> (tensor<2xf32>) {
    %e = cell.exp %a : tensor<2xf32>
    scf.yield %e : tensor<2xf32>
  }
  %q = scf.for %i = %c0 to %n step %c1 iter_args(%a = %x) -> (tensor<2xf32>) {
    cell.print "{}\n" (%x) : tensor<2xf32>
    %e = cell.neg %a : tensor<2xf32>
    scf.yield %e : tensor<2xf32>
  }
  return %x : tensor<2xf32>
}

// In a while loop: %b is computed and carried for nobody, %k is needed by the condition only.
// CHECK-LABEL: func @while
// CHECK: %[[R:.*]] = scf.while (%[[A:.*]] = %arg0, %[[K:.*]] = %arg1) : (tensor<2xf32>, tensor<i64>) -> tensor<2xf32> {
// CHECK: scf.condition(%{{.*}}) %[[A]] : tensor<2xf32>
// CHECK: ^bb0(%[[V:.*]]: tensor<2xf32>):
// CHECK-NEXT: %[[N:.*]] = cell.neg %[[V]]
// CHECK-NEXT: scf.yield %[[N]], %arg1
func.func @while(%x: tensor<2xf32>, %n: tensor<i64>) -> tensor<2xf32> {
  %r:3 = scf.while (%a = %x, %b = %x, %k = %n) : (tensor<2xf32>, tensor<2xf32>, tensor<i64>) -> (tensor<2xf32>, tensor<2xf32>, tensor<i64>) {
    %c = cell.less %k, %n : (tensor<i64>, tensor<i64>) -> tensor<i1>
    %cs = tensor.extract %c[] : tensor<i1>
    scf.condition(%cs) %a, %b, %k : tensor<2xf32>, tensor<2xf32>, tensor<i64>
  } do {
  ^bb0(%a: tensor<2xf32>, %b: tensor<2xf32>, %k: tensor<i64>):
    %s = cell.neg %a : tensor<2xf32>
    %e = cell.exp %b : tensor<2xf32>
    scf.yield %s, %e, %n : tensor<2xf32>, tensor<2xf32>, tensor<i64>
  }
  return %r#0 : tensor<2xf32>
}

// Unused results of a branch inside of a loop, and of a call without effects.
// CHECK-LABEL: func @nested
// CHECK: scf.for {{.*}} iter_args(%[[A:.*]] = %arg0) -> (tensor<2xf32>) {
// CHECK-NEXT: scf.if %arg2 -> (tensor<2xf32>) {
// CHECK-NEXT: %[[N:.*]] = cell.neg %[[A]]
// CHECK-NEXT: scf.yield %[[N]] : tensor<2xf32>
// CHECK-NOT: call @pure
// CHECK: call @shows
func.func @nested(%x: tensor<2xf32>, %n: index, %c: i1) -> tensor<2xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r:2 = scf.for %i = %c0 to %n step %c1 iter_args(%a = %x, %b = %x) -> (tensor<2xf32>, tensor<2xf32>) {
    %q:2 = scf.if %c -> (tensor<2xf32>, tensor<2xf32>) {
      %s = cell.neg %a : tensor<2xf32>
      %e = cell.exp %b : tensor<2xf32>
      scf.yield %s, %e : tensor<2xf32>, tensor<2xf32>
    } else {
      scf.yield %a, %b : tensor<2xf32>, tensor<2xf32>
    }
    scf.yield %q#0, %q#1 : tensor<2xf32>, tensor<2xf32>
  }
  %u = func.call @pure(%x) : (tensor<2xf32>) -> tensor<2xf32>
  %v = func.call @shows(%x) : (tensor<2xf32>) -> tensor<2xf32>
  return %r#0 : tensor<2xf32>
}
func.func private @pure(%x: tensor<2xf32>) -> tensor<2xf32> {
  %e = cell.exp %x : tensor<2xf32>
  return %e : tensor<2xf32>
}
func.func private @shows(%x: tensor<2xf32>) -> tensor<2xf32> {
  cell.print "{}\n" (%x) : tensor<2xf32>
  return %x : tensor<2xf32>
}
