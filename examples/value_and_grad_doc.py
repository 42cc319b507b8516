"""The examples in MindSpore's documentation of value_and_grad, word for word apart from the import lines."""
import numpy as np
import cellgrad as mindspore
from cellgrad import Tensor, ops, nn
from cellgrad import value_and_grad

# Cell object to be differentiated
class Net(nn.Cell):
    def construct(self, x, y, z):
        return x * y * z
x = Tensor([1, 2], mindspore.float32)
y = Tensor([-2, 3], mindspore.float32)
z = Tensor([0, 3], mindspore.float32)
net = Net()
grad_fn = value_and_grad(net, grad_position=1)
output, inputs_gradient = grad_fn(x, y, z)
print(output)
print(inputs_gradient)
# Function object to be differentiated
def fn(x, y, z):
    res = x * ops.exp(y) * ops.pow(z, 2)
    return res, z
x = Tensor(np.array([3, 3]).astype(np.float32))
y = Tensor(np.array([0, 0]).astype(np.float32))
z = Tensor(np.array([5, 5]).astype(np.float32))
output, inputs_gradient = value_and_grad(fn, grad_position=(1, 2), weights=None, has_aux=True)(x, y, z)
print(output)
print(inputs_gradient)
# For given network to be differentiated with both inputs and weights, there are 3 cases.
net = nn.Dense(10, 1)
loss_fn = nn.MSELoss()
def forward(inputs, labels):
    logits = net(inputs)
    loss = loss_fn(logits, labels)
    return loss, logits
inputs = Tensor(np.random.randn(16, 10).astype(np.float32))
labels = Tensor(np.random.randn(16, 1).astype(np.float32))
weights = net.trainable_params()
# Case 1: gradient with respect to inputs.
# For has_aux is set True, only loss contributes to the gradient.
grad_fn = value_and_grad(forward, grad_position=0, weights=None, has_aux=True)
(loss, logits), inputs_gradient = grad_fn(inputs, labels)
print(logits.shape)
print(inputs.shape, inputs_gradient.shape)
# Case 2: gradient with respect to weights.
# For has_aux is set True, only loss contributes to the gradient.
grad_fn = value_and_grad(forward, grad_position=None, weights=weights, has_aux=True)
(loss, logits), params_gradient = grad_fn(inputs, labels)
print(logits.shape)
print(len(weights), len(params_gradient))
# Case 3: gradient with respect to inputs and weights.
# For has_aux is set False, both loss and logits contribute to the gradient.
grad_fn = value_and_grad(forward, grad_position=0, weights=weights, has_aux=False)
(loss, logits), (inputs_gradient, params_gradient) = grad_fn(inputs, labels)
print(logits.shape)
print(inputs.shape, inputs_gradient.shape)
print(len(weights), len(params_gradient))
