// RUN: cell-opt %s --canonicalize --split-input-file | FileCheck %s

// CHECK-LABEL: func.func @neutral
// CHECK-SAME: %[[X:.*]]: tensor<4xf32>
// CHECK-NEXT: return %[[X]]
func.func @neutral(%x: tensor<4xf32>) -> tensor<4xf32> {
  %zero = cell.constant dense<0.0> : tensor<4xf32>
  %one = cell.constant dense<1.0> : tensor<4xf32>
  %0 = cell.add %x, %zero : tensor<4xf32>
  %1 = cell.mul %one, %0 : tensor<4xf32>
  %2 = cell.div %1, %one : tensor<4xf32>
  %3 = cell.sub %2, %zero : tensor<4xf32>
  %4 = cell.pow %3, %one : tensor<4xf32>
  %5 = cell.neg %4 : tensor<4xf32>
  %6 = cell.neg %5 : tensor<4xf32>
  %7 = cell.cast %6 {dtype = f32} : (tensor<4xf32>) -> tensor<4xf32>
  return %7 : tensor<4xf32>
}

// -----

// x * 0 stays: x may be NaN or inf.
// CHECK-LABEL: func.func @times_zero
// CHECK: cell.mul
func.func @times_zero(%x: tensor<4xf32>) -> tensor<4xf32> {
  %zero = cell.constant dense<0.0> : tensor<4xf32>
  %0 = cell.mul %x, %zero : tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @constants
// CHECK-NEXT: %[[C:.*]] = cell.constant dense<[-2.500000e+00, -3.500000e+00]>
// CHECK-NEXT: return %[[C]]
func.func @constants() -> tensor<2xf32> {
  %a = cell.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %b = cell.constant dense<1.5> : tensor<2xf32>
  %0 = cell.add %a, %b : tensor<2xf32>
  %1 = cell.neg %0 : tensor<2xf32>
  return %1 : tensor<2xf32>
}

// -----

// CHECK-LABEL: func.func @square
// CHECK-SAME: %[[X:.*]]: tensor<4xf32>
// CHECK-NEXT: %[[S:.*]] = cell.mul %[[X]], %[[X]]
// CHECK-NEXT: return %[[S]]
func.func @square(%x: tensor<4xf32>) -> tensor<4xf32> {
  %two = cell.constant dense<2.0> : tensor<4xf32>
  %0 = cell.pow %x, %two : tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// The derivative of x ** 0 at 0 is NaN, that of a constant would be 0.
// CHECK-LABEL: func.func @to_the_zero
// CHECK: cell.pow
func.func @to_the_zero(%x: tensor<4xf32>) -> tensor<4xf32> {
  %zero = cell.constant dense<0.0> : tensor<4xf32>
  %0 = cell.pow %x, %zero : tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @select
// CHECK-SAME: %[[A:.*]]: tensor<4xf32>, %[[B:.*]]: tensor<4xf32>
// CHECK-NEXT: return %[[A]], %[[B]]
func.func @select(%a: tensor<4xf32>, %b: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %yes = cell.constant dense<true> : tensor<4xi1>
  %no = cell.constant dense<false> : tensor<4xi1>
  %0 = cell.select %yes, %a, %b : (tensor<4xi1>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %1 = cell.select %no, %a, %b : (tensor<4xi1>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0, %1 : tensor<4xf32>, tensor<4xf32>
}

// -----

// There and back through a type that has all numbers of the first is nothing; the other way rounds.
// CHECK-LABEL: func.func @casts
// CHECK-SAME: %[[X:.*]]: tensor<4xf16>, %[[Y:.*]]: tensor<4xf32>
// CHECK-NEXT: %[[LOW:.*]] = cell.cast %[[Y]] {dtype = bf16}
// CHECK-NEXT: %[[BACK:.*]] = cell.cast %[[LOW]] {dtype = f32}
// CHECK-NEXT: %[[B:.*]] = cell.cast %[[X]] {dtype = bf16}
// CHECK-NEXT: %[[H:.*]] = cell.cast %[[B]] {dtype = f16}
// CHECK-NEXT: return %[[X]], %[[BACK]], %[[H]]
func.func @casts(%x: tensor<4xf16>, %y: tensor<4xf32>) -> (tensor<4xf16>, tensor<4xf32>, tensor<4xf16>) {
  %0 = cell.cast %x {dtype = f32} : (tensor<4xf16>) -> tensor<4xf32>
  %1 = cell.cast %0 {dtype = f16} : (tensor<4xf32>) -> tensor<4xf16>
  %2 = cell.cast %y {dtype = bf16} : (tensor<4xf32>) -> tensor<4xbf16>
  %3 = cell.cast %2 {dtype = f32} : (tensor<4xbf16>) -> tensor<4xf32>
  %4 = cell.cast %x {dtype = bf16} : (tensor<4xf16>) -> tensor<4xbf16>
  %5 = cell.cast %4 {dtype = f16} : (tensor<4xbf16>) -> tensor<4xf16>
  return %1, %3, %5 : tensor<4xf16>, tensor<4xf32>, tensor<4xf16>
}
