from cellgrad import Tensor, jit, nn

X = Tensor([1.0, 2.0, 3.0])


class Net(nn.Cell):
    def construct(self, x):
        self.last = x * 2
        return x


def run():
    net = Net()
    jit(net)(X)
    return net.last + 1
