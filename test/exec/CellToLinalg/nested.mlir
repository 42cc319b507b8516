// Four loops in one another that exchange what they carry, in a function that is called twice; a value that is returned twice.
// REQUIRES: cell-run
// RUN: cell-run %s --input=1,2 --input=3,-1 --input=6 | FileCheck %s

// CHECK: result 0: tensor<2xf32> = [90, 180]
// CHECK: result 1: tensor<2xf32> = [90, 180]
// CHECK: result 2: tensor<2xf32> = [8100, 16200]
// CHECK: result 3: tensor<2xf32> = [8100, 16200]
func.func private @inner(%a: tensor<2xf32>, %b: tensor<2xf32>, %n: tensor<i64>) -> (tensor<2xf32>, tensor<2xf32>) attributes {cell.no_inline} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %ns = tensor.extract %n[] : tensor<i64>
  %ni = arith.index_cast %ns : i64 to index
  %r:2 = scf.for %i = %c0 to %ni step %c1 iter_args(%x = %a, %y = %b) -> (tensor<2xf32>, tensor<2xf32>) {
    %q:2 = scf.for %j = %c0 to %i step %c1 iter_args(%u = %x, %v = %y) -> (tensor<2xf32>, tensor<2xf32>) {
      %p:2 = scf.for %k = %c0 to %j step %c1 iter_args(%s = %u, %t = %v) -> (tensor<2xf32>, tensor<2xf32>) {
        %o:2 = scf.for %l = %c0 to %k step %c1 iter_args(%g = %s, %h = %t) -> (tensor<2xf32>, tensor<2xf32>) {
          %z = cell.add %g, %h : tensor<2xf32>
          scf.yield %h, %z : tensor<2xf32>, tensor<2xf32>
        }
        scf.yield %o#1, %o#0 : tensor<2xf32>, tensor<2xf32>
      }
      scf.yield %p#1, %p#1 : tensor<2xf32>, tensor<2xf32>
    }
    scf.yield %q#1, %q#0 : tensor<2xf32>, tensor<2xf32>
  }
  return %r#0, %r#1 : tensor<2xf32>, tensor<2xf32>
}
func.func @main(%a: tensor<2xf32>, %b: tensor<2xf32>, %n: tensor<i64>) -> (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) {
  %r:2 = call @inner(%a, %b, %n) : (tensor<2xf32>, tensor<2xf32>, tensor<i64>) -> (tensor<2xf32>, tensor<2xf32>)
  %s:2 = call @inner(%r#1, %r#0, %n) : (tensor<2xf32>, tensor<2xf32>, tensor<i64>) -> (tensor<2xf32>, tensor<2xf32>)
  return %r#0, %r#1, %s#0, %s#0 : tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>
}
