"""Writes model.cgp, a training step and a prediction that share their Parameters, and the loader that runs it: `python export_model.py <folder> [<chip>]`; with a chip such as sm_90 for a GPU."""
import sys
from pathlib import Path

import numpy as np

import cellgrad as ms
from cellgrad import Tensor, nn, value_and_grad

ms.set_seed(0)
net = nn.SequentialCell(nn.Dense(2, 32), nn.Tanh(), nn.Dense(32, 1))
loss_fn = nn.MSELoss()
optimizer = nn.Momentum(net.trainable_params(), learning_rate=0.05, momentum=0.9)
grad_fn = value_and_grad(lambda x, y: loss_fn(net(x), y), None, optimizer.parameters)


@ms.jit
def step(x, y):
    loss, grads = grad_fn(x, y)
    optimizer(grads)
    return loss


x, y = Tensor(np.zeros((64, 2), np.float32)), Tensor(np.zeros((64, 1), np.float32))
folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
target = {"target": "gpu", "chip": sys.argv[2]} if len(sys.argv) > 2 else {}
folder.mkdir(parents=True, exist_ok=True)
print("digest", ms.export_programs(folder / "model.cgp", {"step": (step, x, y), "predict": (net, x)}, **target))
print("loader", ms.write_loader(folder))
