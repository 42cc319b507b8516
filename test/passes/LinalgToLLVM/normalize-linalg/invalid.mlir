// RUN: cell-opt %s --normalize-linalg --split-input-file --verify-diagnostics

// expected-error @+1 {{'func.func' has the type 'tensor<?xf32>'; the CPU pipeline needs static shapes}}
func.func @dynamic(%x: tensor<?xf32>) -> tensor<4xf32> {
  %t = arith.constant true
  // expected-error @+1 {{'cf.assert' cannot be compiled for the CPU}}
  cf.assert %t, "never"
  %y = tensor.empty() : tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

// expected-note @+1 {{the other one is 'a'}}
func.func @a() {
  return
}
// expected-error @+1 {{the module has more than one public function}}
func.func @b() {
  return
}
