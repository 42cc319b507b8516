// RUN: cell-opt %s | cell-opt | FileCheck %s

#ub = #ascend.space<ub>
!tile = memref<16x512xf32, #ub>
!row = memref<16x1xf32, #ub>
!mask = memref<16x512xi1, #ub>

func.func @vector(%x: !tile, %r: !row, %y: !tile, %p: !mask, %h: memref<16x512xf16, #ub>, %i: memref<16x512xi32, #ub>, %t: memref<512x16xf32, #ub>)
    attributes {ascend.core = #ascend.core<aiv>} {
  %s = arith.constant 1.0 : f32
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // CHECK: ascend.vbin <sub> ins(%{{.*}}, %{{.*}} : memref<16x512xf32, #ascend.space<ub>>, memref<16x1xf32, #ascend.space<ub>>) outs(
  ascend.vbin <sub> ins(%x, %r : !tile, !row) outs(%y : !tile)
  // CHECK: ascend.vbin_scalar <div> ins(%{{.*}}, %{{.*}} : memref<16x512xf32, #ascend.space<ub>>, f32) outs(%{{.*}}) reverse
  ascend.vbin_scalar <div> ins(%x, %s : !tile, f32) outs(%y : !tile) reverse
  // CHECK: ascend.vun <exp> ins(
  ascend.vun <exp> ins(%x : !tile) outs(%x : !tile)
  // CHECK: ascend.vcast <rint> ins(%{{.*}}) outs(%{{.*}} : memref<16x512xf16, #ascend.space<ub>>)
  ascend.vcast <rint> ins(%x : !tile) outs(%h : memref<16x512xf16, #ub>)
  // CHECK: ascend.vbrc ins(%{{.*}} : f32) outs(
  ascend.vbrc ins(%s : f32) outs(%y : !tile)
  // CHECK: ascend.vbrc ins(%{{.*}} : memref<16x1xf32, #ascend.space<ub>>) outs(
  ascend.vbrc ins(%r : !row) outs(%y : !tile)
  // CHECK: ascend.vreduce <max> dims = [1] ins(
  ascend.vreduce <max> dims = [1] ins(%x : !tile) outs(%r : !row)
  // CHECK: ascend.vcmp <gt> ins(%{{.*}}, %{{.*}} : memref<16x512xf32, #ascend.space<ub>>, f32) outs(%{{.*}} : memref<16x512xi1, #ascend.space<ub>>)
  ascend.vcmp <gt> ins(%x, %s : !tile, f32) outs(%p : !mask)
  // CHECK: ascend.vsel ins(%{{.*}}, %{{.*}}, %{{.*}} : memref<16x512xi1, #ascend.space<ub>>, memref<16x512xf32, #ascend.space<ub>>, f32) outs(
  ascend.vsel ins(%p, %x, %s : !mask, !tile, f32) outs(%y : !tile)
  // CHECK: ascend.vtranspose permutation = [1, 0] ins(
  ascend.vtranspose permutation = [1, 0] ins(%x : !tile) outs(%t : memref<512x16xf32, #ub>)
  // CHECK: ascend.vgather ins(%{{.*}}, %{{.*}} : memref<16x512xf32, #ascend.space<ub>>, memref<16x512xi32, #ascend.space<ub>>) outs(
  ascend.vgather ins(%x, %i : !tile, memref<16x512xi32, #ub>) outs(%y : !tile)
  // CHECK: ascend.varange offset %{{.*}} strides[%{{.*}}, %{{.*}}] outs(
  ascend.varange offset %c0 strides [%c1, %c0] outs(%i : memref<16x512xi32, #ub>)
  return
}
