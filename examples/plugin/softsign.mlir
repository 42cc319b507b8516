// The value and the gradient of softsign, and the second derivative.
func.func private @f(%x: tensor<3xf32>) -> tensor<3xf32> {
  %y = squash.softsign %x : tensor<3xf32>
  return %y : tensor<3xf32>
}
func.func private @slope(%x: tensor<3xf32>) -> tensor<3xf32> {
  %v, %g = cell.value_and_grad @f(%x) wrt [0] outputs [0] : (tensor<3xf32>) -> (tensor<3xf32>, tensor<3xf32>)
  return %g : tensor<3xf32>
}
func.func @main(%x: tensor<3xf32>) -> (tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) {
  %v, %g = cell.value_and_grad @f(%x) wrt [0] outputs [0] : (tensor<3xf32>) -> (tensor<3xf32>, tensor<3xf32>)
  %s, %h = cell.value_and_grad @slope(%x) wrt [0] outputs [0] : (tensor<3xf32>) -> (tensor<3xf32>, tensor<3xf32>)
  return %v, %g, %h : tensor<3xf32>, tensor<3xf32>, tensor<3xf32>
}
