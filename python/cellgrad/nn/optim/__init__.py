"""Optimizers."""
from .adam import Adam, AdamWeightDecay
from .optimizer import Optimizer
from .sgd import SGD, Momentum

__all__ = ["Adam", "AdamWeightDecay", "Momentum", "Optimizer", "SGD"]
