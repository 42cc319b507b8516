// RUN: cell-opt %s --split-input-file --verify-diagnostics

func.func @labels(%x: tensor<2x3xf32>, %l: tensor<3xi32>) {
  // expected-error @+2 {{'cell.cross_entropy' of logits 'tensor<2x3xf32>' with classes along axis 1 takes integer labels of shape 'tensor<2xi32>', but they are 'tensor<3xi32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = cell.cross_entropy %x, %l {axis = 1 : i64} : (tensor<2x3xf32>, tensor<3xi32>) -> tensor<2xf32>
  return
}

// -----

func.func @classes(%x: tensor<2x0xf32>, %l: tensor<2xi32>) {
  // expected-error @+2 {{needs classes, but dimension 1 of the logits 'tensor<2x0xf32>' has size 0}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = cell.cross_entropy %x, %l {axis = 1 : i64} : (tensor<2x0xf32>, tensor<2xi32>) -> tensor<2xf32>
  return
}

// -----

func.func @gamma(%x: tensor<2x3xf32>, %g: tensor<2xf32>, %b: tensor<3xf32>) {
  // expected-error @+2 {{'cell.layer_norm' of 'tensor<2x3xf32>' needs gamma of type 'tensor<3xf32>', but it is 'tensor<2xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = cell.layer_norm %x, %g, %b {axis = 1 : i64, epsilon = 1.0e-5 : f64} : (tensor<2x3xf32>, tensor<2xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @beta(%x: tensor<2x3xf32>, %g: tensor<3xf32>, %b: tensor<3xf64>) {
  // expected-error @+2 {{'cell.batch_norm' of 'tensor<2x3xf32>' needs beta of type 'tensor<3xf32>', but it is 'tensor<3xf64>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:3 = cell.batch_norm %x, %g, %b {axis = 1 : i64, epsilon = 1.0e-5 : f64} : (tensor<2x3xf32>, tensor<3xf32>, tensor<3xf64>) -> (tensor<2x3xf32>, tensor<3xf32>, tensor<3xf32>)
  return
}
