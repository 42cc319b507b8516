// RUN: cell-opt %s --expand-math | FileCheck %s

// CHECK-LABEL: func.func @half(%arg0: f16)
// CHECK: %[[WIDE:.*]] = arith.extf %arg0 : f16 to f32
// CHECK-NOT: math.tanh
// CHECK: %[[NARROW:.*]] = arith.truncf %{{.*}} : f32 to f16
// CHECK: return %[[NARROW]]
func.func @half(%x: f16) -> f16 {
  %0 = math.tanh %x : f16
  return %0 : f16
}

// CHECK-LABEL: func.func @vector
// CHECK: arith.constant dense<{{.*}}> : vector<8xf64>
// CHECK-NOT: math.log
// CHECK: return
func.func @vector(%x: vector<8xf64>) -> vector<8xf64> {
  %0 = math.log %x : vector<8xf64>
  return %0 : vector<8xf64>
}

// Tensors are expanded later, inside the loops over their elements.
// CHECK-LABEL: func.func @tensor
// CHECK-NEXT: math.exp
func.func @tensor(%x: tensor<8xf32>) -> tensor<8xf32> {
  %0 = math.exp %x : tensor<8xf32>
  return %0 : tensor<8xf32>
}

// In f64 these are calls of the C library.
// CHECK-LABEL: func.func @library
// CHECK-NEXT: math.sin
// CHECK-NEXT: math.powf
func.func @library(%x: f64) -> f64 {
  %0 = math.sin %x : f64
  %1 = math.powf %0, %x : f64
  return %1 : f64
}
