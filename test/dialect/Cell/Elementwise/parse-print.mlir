// RUN: cell-opt %s | cell-opt | FileCheck %s
// One type where all are equal, a functional type otherwise; the generic form reads the same.

// CHECK-LABEL: func.func @types
func.func @types(%a: tensor<2x3xf32>, %b: tensor<2x3xf32>, %d: tensor<?x3xf32>) -> tensor<?x3xf32> {
  // CHECK: cell.add %{{.*}}, %{{.*}} : tensor<2x3xf32>
  %0 = cell.add %a, %b : tensor<2x3xf32>
  // CHECK: %[[C:.*]] = cell.less %{{.*}}, %{{.*}} : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xi1>
  %1 = cell.less %0, %b : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xi1>
  // CHECK: cell.select %[[C]], %{{.*}}, %{{.*}} : (tensor<2x3xi1>, tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  %2 = "cell.select"(%1, %a, %b) : (tensor<2x3xi1>, tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: cell.cast %{{.*}} {dtype = bf16} : (tensor<2x3xf32>) -> tensor<2x3xbf16>
  %3 = cell.cast %2 {dtype = bf16} : (tensor<2x3xf32>) -> tensor<2x3xbf16>
  // CHECK: cell.sqrt %{{.*}} : tensor<?x3xf32>
  %4 = cell.sqrt %d : tensor<?x3xf32>
  return %4 : tensor<?x3xf32>
}
