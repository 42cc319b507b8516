// RUN: cell-opt %s --convert-cell-to-linalg --split-input-file | FileCheck %s

// CHECK-DAG: #[[$AT:.*]] = affine_map<(d0, d1) -> (d1)>
// CHECK-LABEL: func.func @gather
// CHECK-SAME: %[[X:.*]]: tensor<2x3xf32>, %[[I:.*]]: tensor<5xi32>
func.func @gather(%x: tensor<2x3xf32>, %i: tensor<5xi32>) -> tensor<2x5xf32> {
  // CHECK: linalg.generic {indexing_maps = [#[[$AT]], #{{.*}}]{{.*}} ins(%[[I]]
  // An index out of range reads at 0 and gives 0.
  // CHECK: %[[IN:.*]] = arith.cmpi ult
  // CHECK: %[[P:.*]] = arith.select %[[IN]]
  // CHECK: %[[V:.*]] = tensor.extract %[[X]][%{{.*}}, %[[P]]]
  // CHECK: arith.select %[[IN]], %[[V]], %{{.*}} : f32
  %0 = cell.gather %x, %i {axis = 1 : i64} : (tensor<2x3xf32>, tensor<5xi32>) -> tensor<2x5xf32>
  return %0 : tensor<2x5xf32>
}

// -----

// The runtime's routine adds rows of f32, f64, i32 and i64; smaller numbers go through larger ones. Along another axis each slice before it has rows of its own.
// CHECK-LABEL: func.func @scatter_add
func.func @scatter_add(%x: tensor<2x3xf32>, %i: tensor<5xi32>, %u: tensor<5x3xf32>, %n: tensor<2x3xi16>, %m: tensor<5x3xi16>, %v: tensor<2x5xf32>)
    -> (tensor<2x3xf32>, tensor<2x3xi16>, tensor<2x3xf32>) {
  // CHECK: cellrt.call "scatter_add" ins(%{{.*}}, %{{.*}} : tensor<5xi64>, tensor<5x3xf32>) outs(%{{.*}} : tensor<2x3xf32>)
  %0 = cell.scatter_add %x, %i, %u {axis = 0 : i64} : (tensor<2x3xf32>, tensor<5xi32>, tensor<5x3xf32>) -> tensor<2x3xf32>
  // CHECK: cellrt.call "scatter_add" ins(%{{.*}}, %{{.*}} : tensor<5xi64>, tensor<5x3xi32>) outs(%{{.*}} : tensor<2x3xi32>)
  // CHECK: arith.trunci %{{.*}} : i32 to i16
  %1 = cell.scatter_add %n, %i, %m {axis = 0 : i64} : (tensor<2x3xi16>, tensor<5xi32>, tensor<5x3xi16>) -> tensor<2x3xi16>
  // CHECK: cellrt.call "scatter_add" ins(%{{.*}}, %{{.*}} : tensor<10xi64>, tensor<10x1xf32>) outs(%{{.*}} : tensor<6x1xf32>)
  %2 = cell.scatter_add %x, %i, %v {axis = 1 : i64} : (tensor<2x3xf32>, tensor<5xi32>, tensor<2x5xf32>) -> tensor<2x3xf32>
  return %0, %1, %2 : tensor<2x3xf32>, tensor<2x3xi16>, tensor<2x3xf32>
}
