// RUN: cell-opt --cell-to-linalg-pipeline --normalize-linalg --scalarize-tensors --canonicalize %s | FileCheck %s

// A loop over 0-d tensors is scalar code; only its result goes to memory.
// CHECK-LABEL: func @main
// CHECK-NOT: linalg
// CHECK: %[[X:.*]] = tensor.extract %arg0[]
// CHECK: %[[R:.*]]:2 = scf.while (%[[A:.*]] = %[[X]], %[[K:.*]] = %{{.*}}) : (f32, i64) -> (f32, i64) {
// CHECK: %[[C:.*]] = arith.cmpi slt, %[[K]]
// CHECK: scf.condition(%[[C]]) %[[A]], %[[K]] : f32, i64
// CHECK: math.exp
// CHECK: scf.yield {{.*}} : f32, i64
// CHECK: tensor.insert %[[R]]#0 into
func.func @main(%x: tensor<f32>, %n: tensor<i64>) -> tensor<f32> {
  %zero = cell.constant dense<0> : tensor<i64>
  %one = cell.constant dense<1> : tensor<i64>
  %r:2 = scf.while (%a = %x, %k = %zero) : (tensor<f32>, tensor<i64>) -> (tensor<f32>, tensor<i64>) {
    %c = cell.less %k, %n : (tensor<i64>, tensor<i64>) -> tensor<i1>
    %cs = tensor.extract %c[] : tensor<i1>
    scf.condition(%cs) %a, %k : tensor<f32>, tensor<i64>
  } do {
  ^bb0(%a: tensor<f32>, %k: tensor<i64>):
    %s = cell.exp %a : tensor<f32>
    %k1 = cell.add %k, %one : tensor<i64>
    scf.yield %s, %k1 : tensor<f32>, tensor<i64>
  }
  return %r#0 : tensor<f32>
}
