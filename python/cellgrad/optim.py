"""The optimizers of ``nn``, by themselves."""
from .nn.learning_rate_schedule import *
from .nn.optim import *
