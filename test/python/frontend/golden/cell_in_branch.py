from cellgrad import Tensor, jit, nn

X = Tensor([1.0, 2.0, 3.0])


class Net(nn.Cell):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.ReLU(), nn.Tanh()

    def construct(self, x):
        if x.sum() > 0:
            layer = self.a
        else:
            layer = self.b
        return layer(x)


def run():
    jit(Net())(X)
