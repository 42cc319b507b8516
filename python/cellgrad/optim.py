"""The optimizers and learning rate schedules of ``nn``, by themselves."""
from .nn.learning_rate_schedule import (
    CosineDecayLR, ExponentialDecayLR, InverseDecayLR, LearningRateSchedule, NaturalExpDecayLR, PolynomialDecayLR, WarmUpLR,
)
from .nn.optim import SGD, Adam, AdamWeightDecay, Momentum, Optimizer

__all__ = ["Adam", "AdamWeightDecay", "CosineDecayLR", "ExponentialDecayLR", "InverseDecayLR", "LearningRateSchedule", "Momentum", "NaturalExpDecayLR",
           "Optimizer", "PolynomialDecayLR", "SGD", "WarmUpLR"]
