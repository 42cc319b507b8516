// RUN: cell-opt %s --cell-inline | FileCheck %s
// Functions that differentiation treats as one stay calls, and so does what asks for it; their rules count as used. Who is reached by nobody goes.

// CHECK-NOT: @unused
// CHECK: func.func private @f
// CHECK: func.func private @rule
// CHECK: func.func private @again
// CHECK: func.func private @apart
// CHECK-NOT: @unused
func.func private @unused(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = call @unusedToo(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func private @unusedToo(%x: tensor<4xf32>) -> tensor<4xf32> attributes {cell.no_inline} {
  return %x : tensor<4xf32>
}
func.func private @f(%x: tensor<4xf32>) -> tensor<4xf32>
    attributes {cell.custom_vjp = @rule, cell.custom_vjp_operands = array<i64: 2>, cell.custom_vjp_gradients = array<i64: 0>} {
  return %x : tensor<4xf32>
}
func.func private @rule(%ct: tensor<4xf32>) -> tensor<4xf32> {
  return %ct : tensor<4xf32>
}
func.func private @again(%x: tensor<4xf32>) -> tensor<4xf32> attributes {cell.recompute} {
  return %x : tensor<4xf32>
}
func.func private @apart(%x: tensor<4xf32>) -> tensor<4xf32> attributes {cell.no_inline} {
  return %x : tensor<4xf32>
}
// CHECK-LABEL: func.func @main
// CHECK: call @f
// CHECK: scf.if
// CHECK: call @again
// CHECK: call @apart
func.func @main(%x: tensor<4xf32>, %c: i1) -> tensor<4xf32> {
  %0 = call @f(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %1 = scf.if %c -> tensor<4xf32> {
    %2 = func.call @again(%0) : (tensor<4xf32>) -> tensor<4xf32>
    scf.yield %2 : tensor<4xf32>
  } else {
    %2 = func.call @apart(%0) : (tensor<4xf32>) -> tensor<4xf32>
    scf.yield %2 : tensor<4xf32>
  }
  return %1 : tensor<4xf32>
}
