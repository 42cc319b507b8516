// RUN: cell-opt %s | cell-opt | FileCheck %s

// CHECK-LABEL: @tape
func.func @tape(%a: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK: cell.tape_create : <tensor<4xf32>>
  %t = cell.tape_create : !cell.tape<tensor<4xf32>>
  // CHECK: cell.tape_push %{{.*}}, %{{.*}} : <tensor<4xf32>>
  %t1 = cell.tape_push %t, %a : !cell.tape<tensor<4xf32>>
  // CHECK: cell.tape_pop %{{.*}} : <tensor<4xf32>>
  %t2, %x = cell.tape_pop %t1 : !cell.tape<tensor<4xf32>>
  return %x : tensor<4xf32>
}

// CHECK-LABEL: @effects
func.func @effects(%a: tensor<4xf32>, %c: tensor<i1>) {
  // CHECK: cell.print "a = {}, {{.*}}"(%{{.*}}) : tensor<4xf32>
  cell.print "a = {}, {{}}" (%a) : tensor<4xf32>
  // CHECK: cell.print "nothing"()
  cell.print "nothing" ()
  // CHECK: cell.assert %{{.*}}, "it holds" : tensor<i1>
  cell.assert %c, "it holds" : tensor<i1>
  return
}
