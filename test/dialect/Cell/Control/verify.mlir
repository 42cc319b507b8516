// RUN: cell-opt %s -split-input-file -verify-diagnostics

func.func @print_places(%a: tensor<4xf32>) {
  // expected-error @+1 {{has 2 places in its format, but 1 operands}}
  cell.print "{} and {}" (%a) : tensor<4xf32>
  return
}

// -----

func.func @print_brace() {
  // expected-error @+1 {{has a brace in its format that is neither doubled nor part of a place}}
  cell.print "{x}" ()
  return
}

// -----

func.func @assert_shape(%c: tensor<2xi1>) {
  // expected-error @+1 {{operand #0 must be 0D tensor of 1-bit signless integer values}}
  cell.assert %c, "both" : tensor<2xi1>
  return
}

// -----

func.func @places(%a: tensor<f32>) {
  cell.print "{!r} {:>8.3f} {!s:4} {{ }}" (%a, %a, %a) : tensor<f32>, tensor<f32>, tensor<f32>
  // expected-error @+1 {{has a brace in its format that is neither doubled nor part of a place}}
  cell.print "{!x}" (%a) : tensor<f32>
  return
}
