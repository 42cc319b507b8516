// RUN: cell-opt %s --convert-cell-to-linalg | FileCheck %s
// ui8 is stored as i8 everywhere; what tells arguments and results apart stays; the unsigned op is taken.

// CHECK-LABEL: func.func private @callee(%{{.*}}: tensor<4xi8>) -> tensor<4xi8>
func.func private @callee(%x: tensor<4xui8>) -> tensor<4xui8> {
  // CHECK: arith.constant dense<[1, -56, 3, 4]> : tensor<4xi8>
  %c = cell.constant dense<[1, 200, 3, 4]> : tensor<4xui8>
  // CHECK: arith.maxui %{{.*}}, %{{.*}} : i8
  %0 = cell.maximum %x, %c : tensor<4xui8>
  return %0 : tensor<4xui8>
}

// CHECK-LABEL: func.func @entry
// CHECK-SAME: (%{{.*}}: tensor<4xi8> {cell.param = "w"}, %[[C:.*]]: i1) -> (tensor<4xi8> {cell.alias = 0 : i64})
func.func @entry(%x: tensor<4xui8> {cell.param = "w"}, %c: i1) -> (tensor<4xui8> {cell.alias = 0 : i64}) {
  // CHECK: scf.if %[[C]] -> (tensor<4xi8>)
  %0 = scf.if %c -> tensor<4xui8> {
    // CHECK: func.call @callee(%{{.*}}) : (tensor<4xi8>) -> tensor<4xi8>
    %1 = func.call @callee(%x) : (tensor<4xui8>) -> tensor<4xui8>
    scf.yield %1 : tensor<4xui8>
  } else {
    scf.yield %x : tensor<4xui8>
  }
  // CHECK-NOT: unrealized_conversion_cast
  return %0 : tensor<4xui8>
}
