// RUN: cell-opt %s --split-input-file --verify-diagnostics

func.func @shapes(%a: tensor<2x3xf32>, %b: tensor<3xf32>) {
  // expected-error @+3 {{'cell.add' takes operands of one shape, but operand 0 is 'tensor<2x3xf32>' and operand 1 is 'tensor<3xf32>'}}
  // expected-note @+2 {{bring them to one shape with cell.broadcast}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = "cell.add"(%a, %b) : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @dtypes(%a: tensor<3xf64>, %b: tensor<3xf32>) {
  // expected-error @+3 {{'cell.mul' takes operands of one dtype, but operand 0 is 'tensor<3xf64>' and operand 1 is 'tensor<3xf32>'}}
  // expected-note @+2 {{convert one of them with cell.cast}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = "cell.mul"(%a, %b) : (tensor<3xf64>, tensor<3xf32>) -> tensor<3xf64>
  return
}

// -----

func.func @result(%a: tensor<3xf32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{inferred type(s) 'tensor<3xf32>' are incompatible with return type(s) of operation 'tensor<4xf32>'}}
  %0 = "cell.exp"(%a) : (tensor<3xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @integer_exp(%a: tensor<3xi32>) {
  // expected-error @+1 {{operand #0 must be ranked tensor of}}
  %0 = cell.exp %a : tensor<3xi32>
  return
}

// -----

func.func @unranked(%a: tensor<*xf32>) {
  // expected-error @+1 {{operand #0 must be ranked tensor of}}
  %0 = "cell.exp"(%a) : (tensor<*xf32>) -> tensor<3xf32>
  return
}

// -----

func.func @type_count(%a: tensor<3xf32>) {
  // expected-error @+1 {{expected 2 operand types and one result type}}
  %0 = cell.add %a, %a : (tensor<3xf32>) -> tensor<3xf32>
  return
}

// -----

func.func @condition(%c: tensor<2xi1>, %a: tensor<3xf32>) {
  // expected-error @+3 {{'cell.select' takes operands of one shape, but the condition is 'tensor<2xi1>' and the values are 'tensor<3xf32>'}}
  // expected-note @+2 {{bring them to one shape with cell.broadcast}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = "cell.select"(%c, %a, %a) : (tensor<2xi1>, tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  return
}
